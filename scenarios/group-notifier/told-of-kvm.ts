/**
 * The life of a group that a virtual machine uses, in each order: its device opened before KVM is told of the group or after
 * it; KVM lets go first, or the user closes first.
 *
 * The driver hears of the machine in either order: KVM_DEV_VFIO_GROUP_ADD calls the chain of the group, and who registers
 * later is told by the registration. On the way every wrong order is refused: without a container, and without an IOMMU on
 * it, neither KVM nor a device can be had; a group is added once, deleted once, and not taken off its container while KVM
 * uses it. A group that its user has closed is KVM's until the machine is gone, and cannot be opened until then.
 */
import { kvm_device_release, kvm_vm_release } from '../../actors/vfio/v4.19/kvm_main.ts';
import { kvm_vfio_group_add, kvm_vfio_group_del } from '../../actors/vfio/v4.19/kvm_vfio.ts';
import {
  closeGroup,
  openGroup,
  VFIO_GROUP_FLAGS_CONTAINER_SET,
  VFIO_GROUP_FLAGS_VIABLE,
  vfio_device_fops_release,
  vfio_fops_open,
  vfio_fops_release,
  vfio_group_get_device_fd,
  vfio_group_get_status,
  vfio_group_set_container,
  vfio_group_unset_container,
  vfio_ioctl_set_iommu,
} from '../../actors/vfio/v4.19/vfio-fops.ts';
import { EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import { pool } from '../../machines/object.ts';
import { EEXIST, ENOENT } from '../../machines/sync/errno.ts';
import { file, type VfioContainer, vfio_container, type VfioDevice } from '../../machines/vfio/v4.19/vfio.ts';
import { call, defineScenario, local, type Local, type Predicate, type Variant, variant, type View } from '../../src/index.ts';
import type { HandlesOf } from '../kvm/setup/handles.ts';
import { noNotifierIsLeft } from './setup/laws.ts';
import { closed as start, NAME, objects as wired, wire } from './setup/vfio-ap.ts';

const objects = { ...wired, container: pool(vfio_container), again: file };
type Objects = typeof objects;

const fd = local<VfioDevice | number>('fd');
const container = local<VfioContainer>('container');
const of = (name: string): Local<number> => local<number>(name);

/** What each ioctl is answered that is made for its refusal. */
const refusals = {
  'KVM without a container': -EINVAL,
  'a device without a container': -EINVAL,
  'KVM without an IOMMU': -EINVAL,
  'a device without an IOMMU': -EINVAL,
  'a group that is deleted and was never added': -ENOENT,
  'a second open': -EBUSY,
  'a second ADD': -EEXIST,
  'UNSET_CONTAINER under KVM': -EBUSY,
};
const ofKvmFirst = { DEL: 0, 'a second DEL': -ENOENT };
const ofUserFirst = { 'an open of what KVM has': -EBUSY };
/** What each that should work is answered. */
const successes = { open: 0, SET_CONTAINER: 0, SET_IOMMU: 0, ADD: 0, 'an open of what nobody has': 0 };

type Answers = { readonly [what: string]: number };
const answered = (answers: Answers): { readonly [what: string]: Predicate<Objects> } =>
  Object.fromEntries(
    Object.entries(answers).map(([what, answer]) => [what, ({ result }: View<Objects>) => result(of(what)) === answer]),
  );

type Opens = 'before' | 'after';
type LetsGo = 'kvm' | 'user';

const script = (opens: Opens, first: LetsGo) => (it: HandlesOf<Objects>) => {
  const { core, kvm_ops, ops } = wire(it);
  const add = () => call(kvm_vfio_group_add, core, it.kvm_device, it.fds.group, it.kvg);
  const del = () => call(kvm_vfio_group_del, core, it.kvm_device, it.fds.group);
  const open = () => call(vfio_group_get_device_fd, core, it.group, NAME, ops);
  const openAs = (struct: typeof it.file) => call(openGroup, core, it.group, struct, it.fds);

  const opened = [
    openAs(it.file).into(of('open')),
    add().into(of('KVM without a container')),
    open().into(of('a device without a container')),
    call(vfio_fops_open, core, { vfio_container: it.container }).into(container),
    call(vfio_group_set_container, core, it.group, container).into(of('SET_CONTAINER')),
    add().into(of('KVM without an IOMMU')),
    open().into(of('a device without an IOMMU')),
    call(vfio_ioctl_set_iommu, core, container).into(of('SET_IOMMU')),
    del().into(of('a group that is deleted and was never added')),
  ];
  const used = opens === 'before' ? [open().into(fd), add().into(of('ADD'))] : [add().into(of('ADD')), open().into(fd)];
  const refused = [
    openAs(it.again).into(of('a second open')),
    add().into(of('a second ADD')),
    call(vfio_group_unset_container, core, it.group).into(of('UNSET_CONTAINER under KVM')),
    call(vfio_group_get_status, core, it.group).into(of('GET_STATUS')),
  ];
  const machineCloses = [call(kvm_device_release, it.kvm_device, kvm_ops), call(kvm_vm_release, it.kvm, kvm_ops)];
  const userCloses = [
    call(vfio_device_fops_release, core, fd, ops).ifOk(fd),
    call(closeGroup, core, it.fds),
    call(vfio_fops_release, core, container),
  ];
  const closed =
    first === 'kvm'
      ? [del().into(of('DEL')), del().into(of('a second DEL')), ...machineCloses, ...userCloses]
      : [...userCloses, openAs(it.again).into(of('an open of what KVM has')), ...machineCloses];
  const reopened = [openAs(it.again).into(of('an open of what nobody has')), call(closeGroup, core, it.fds)];
  return { user: [...opened, ...used, ...refused, ...closed, ...reopened] };
};

const isTold = ({ mdev }: View<Objects>) => mdev.kvm.value.at === 'kvm';

const kvmIsFirst = {
  'the machine is gone, and the device open': ({ kvm, device }: View<Objects>) => kvm.freed && device.files.n === 1,
};
const userIsFirst = {
  'the user has closed all, and the machine has the group': ({ group, kv, all }: View<Objects>) =>
    group.opened.n === 0 && kv.group_list.entries.length === 1 && all('container').some(({ freed }) => !freed),
};

const lifecycle = (opens: Opens, first: LetsGo): Variant =>
  variant({
    objects,
    start,
    threads: script(opens, first),
    always: {
      ...noNotifierIsLeft,
      'a machine that the driver was told of is there': (view) => !isTold(view) || !view.kvm.freed,
    },
    sometimes: {
      'the driver is told': isTold,
      ...(first === 'kvm' ? kvmIsFirst : userIsFirst),
    },
    atEnd: {
      ...answered({ ...refusals, ...successes, ...(first === 'kvm' ? ofKvmFirst : ofUserFirst) }),
      'viable, and on a container': ({ result }) =>
        result(of('GET_STATUS')) === (VFIO_GROUP_FLAGS_VIABLE | VFIO_GROUP_FLAGS_CONTAINER_SET),
      'the machine is gone, and the group on no container': ({ kvm, group }) => kvm.freed && group.container.value.at === 'NULL',
    },
    leaks: {
      'group.container_users': ({ group }) => group.container_users.n,
      'group.kref': ({ group }) => group.kref.n - 1,
      'device.kref': ({ device }) => device.kref.n - 1,
      container: ({ all }) => all('container').filter(({ freed }) => !freed).length,
      kvg: ({ all }) => all('kvg').filter(({ freed }) => !freed).length,
      'type1.owner': ({ type1 }) => type1.owner.refcnt - 1,
      'matrix_dev.owner': ({ matrix_dev }) => matrix_dev.owner.refcnt - 1,
      'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 2,
    },
    expect: [],
  });

export default defineScenario({
  name: 'told-of-kvm',
  summary: 'A group is used by a machine: its device is opened before or after, and KVM or the user lets go first',
  source: 'drivers/vfio/vfio.c and virt/kvm/vfio.c, v4.19; drivers/s390/crypto/vfio_ap_ops.c, v5.11',
  covers: [],
  tags: ['seed-001'],
  variants: {
    'v4.19-before-kvm-kvm-first': lifecycle('before', 'kvm'),
    'v4.19-before-kvm-user-first': lifecycle('before', 'user'),
    'v4.19-after-kvm-kvm-first': lifecycle('after', 'kvm'),
    'v4.19-after-kvm-user-first': lifecycle('after', 'user'),
  },
});
