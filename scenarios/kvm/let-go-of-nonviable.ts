/**
 * KVM is told to let go of a group just when a device of it is unbound, and cannot: to let go it had to take hold once more.
 *
 * KVM_DEV_VFIO_GROUP_DEL named a group by its file, and got at the group by becoming an external user of it, which is
 * refused unless each device in it is without a driver or known to VFIO. A device that is unbound is neither between the end
 * of vfio_del_group_dev() and that of the remove: its driver is still there, and its entry on the list of the group gone. The
 * DEL fails with -EINVAL; whoever takes it for done, and closes the group, leaves the group to KVM until the machine ends.
 *
 * 60720a0fc646 keeps such a device on a list of its own, which counts as known. It closes the gap for who comes into it, and
 * not for who looks at the driver before the unbind, and at the list after it: by then the device is on neither. What helps is
 * 5d6dee80a1e9, by which DEL compares the file with those it has, and asks nothing of the group.
 */
import type { Operation } from '../../actors/step.ts';
import { kvm_vfio_group_del as delFromV3_13 } from '../../actors/vfio/v3.13/kvm_vfio.ts';
import * as v3_13 from '../../actors/vfio/v3.13/vfio.ts';
import { device_driver_detach } from '../../actors/vfio/rfc-2021-09/dd.ts';
import { worker_thread } from '../../actors/sync/work.ts';
import { kvm_vfio_group_del } from '../../actors/vfio/v4.19/kvm_vfio.ts';
import type { Core, Pools } from '../../actors/vfio/v4.19/ops.ts';
import { vfio_del_group_dev } from '../../actors/vfio/v4.19/vfio.ts';
import { iommuGroupNotifiers, workFunctions } from '../../actors/vfio/v4.19/vfio-notifier.ts';
import { pool } from '../../machines/object.ts';
import { kvm_vfio_group } from '../../machines/vfio/v4.19/kvm.ts';
import * as structs from '../../machines/vfio/v4.19/vfio.ts';
import { call, daemon, defineScenario, local, variant, type View } from '../../src/index.ts';
import type { HandlesOf } from './setup/handles.ts';
import * as base from './setup/v4.19.ts';

const deleted = local<number>('deleted');

const objects = {
  ...base.objects,
  kvg: kvm_vfio_group,
  sibling: structs.device,
  sibling_device: structs.vfio_device,
  workqueues: structs.workqueues,
  unbound: pool(structs.vfio_unbound_dev),
  put_work: pool(structs.vfio_group_put_work),
};
type Objects = typeof objects;

const start = {
  ...base.startWith({ dev: 'device', sibling: 'sibling_device' }),
  ...base.listed,
  'group.kref': { n: 4 },
};

type Del = (core: Core, of: HandlesOf<Objects>) => ReturnType<typeof call>;

/** A write to `unbind` of the driver of the sibling, which nobody has open. */
const unbind = (of: HandlesOf<Objects>, remove: () => Operation, callbacks = v3_13.iommuGroupNotifiers) =>
  call(
    device_driver_detach,
    {
      driver: of.driver,
      *probe() {
        return 0;
      },
      remove,
    },
    of.sibling,
    callbacks,
  );

const atV3_13 = (of: HandlesOf<Objects>) => {
  const core = base.core(of);
  return {
    admin: [unbind(of, () => v3_13.vfio_del_group_dev(core, of.sibling))],
    vmm: [call(delFromV3_13, core, of.kvm_device, of.fds.group, v3_13.vfio_dev_viable).into(deleted)],
  };
};

const withUnboundList = (del: Del) => (of: HandlesOf<Objects>) => {
  const core = base.core(of);
  const pools: Pools = { vfio_unbound_dev: of.unbound, vfio_group_put_work: of.put_work, system_wq: of.workqueues.system_wq };
  return {
    admin: [unbind(of, () => vfio_del_group_dev(core, of.sibling, pools), iommuGroupNotifiers(core, pools))],
    vmm: [del(core, of).into(deleted)],
    kworker: daemon([call(worker_thread, of.workqueues.system_wq, workFunctions(core))]),
  };
};

const atEnd = {
  'what KVM is told to let go it has let go': ({ result, kvg, group }: View<Objects>) =>
    (group.container_users.n === 1 && kvg.freed) || result(deleted) === undefined,
};
const sometimes = {
  'it is told to in the gap': ({ sibling, sibling_device, next, result }: View<Objects>) =>
    sibling_device.freed && sibling.driver.value.at === 'driver' && result(deleted) === undefined && next('vmm') !== null,
};

const refused = [{ kind: 'end-state', object: 'group.container_users' }] as const;

export default defineScenario({
  name: 'let-go-of-nonviable',
  summary: 'KVM is told to let go of a group while a device of it is unbound, and is refused',
  source: 'virt/kvm/vfio.c, v3.13; 60720a0fc646, v4.0; 5d6dee80a1e9, v4.13',
  covers: ['X-7'],
  tags: ['seed-004'],
  variants: {
    'v3.13': variant({
      objects,
      start,
      threads: atV3_13,
      atEnd,
      sometimes,
      expect: refused,
    }),
    'v4.0': variant({
      summary: 'The device is on the unbound list meanwhile, which is looked at after its driver.',
      objects,
      start,
      threads: withUnboundList((core, { kvm_device, fds }) => call(delFromV3_13, core, kvm_device, fds.group)),
      atEnd,
      sometimes,
      expect: refused,
    }),
    'v4.13': variant({
      summary: 'The entry is found by its file.',
      objects,
      start,
      threads: withUnboundList((core, { kvm_device, fds }) => call(kvm_vfio_group_del, core, kvm_device, fds.group)),
      atEnd,
      sometimes,
      expect: [],
    }),
  },
});
