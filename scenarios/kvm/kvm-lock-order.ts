/**
 * To open a device takes the lock of its group and then, in the driver's open, that of the virtual machine; to close the
 * file of the kvm-vfio device takes them the other way round.
 *
 * vfio_device_group_open() holds group_lock around the driver's open, because the pointer to the machine is under it, and
 * vfio_ap gives the machine its adapters there, under kvm->lock. kvm_device_release() holds kvm->lock around the release
 * that 51cdc8bc120e had brought, which tells each group that there is no machine any more, under group_lock.
 *
 * The fix, 2b48f52f2bff, keeps the pointer under a small lock of its own, within which nobody sleeps: the core takes a
 * reference there before the driver is called, and who closes KVM's file no longer needs the lock of the group.
 */
import { kvm_device_release, kvm_vm_release } from '../../actors/vfio/v4.19/kvm_main.ts';
import * as v6_2 from '../../actors/vfio/v6.2/vfio_main.ts';
import * as v6_3 from '../../actors/vfio/v6.3/vfio_main.ts';
import { kvm_vfio_group, type VfioDevice } from '../../machines/vfio/v6.2/vfio.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { endsWithFile, endsWithFileAtV6_3, laws, listed as start, objects as group, vfio_ap } from './setup/v6.2.ts';

const fd = local<VfioDevice | number>('fd');
const objects = { ...group, kvg: kvm_vfio_group };
type Seen = View<typeof objects>;

const always = {
  ...laws,
  'a driver that is open has a machine that lives': ({ device, kvm }: Seen) =>
    device.open_count.value === 0 || device.kvm.value.at === 'NULL' || kvm.users_count.n > 0,
};

export default defineScenario({
  name: 'kvm-lock-order',
  summary: 'The lock of a group and that of a virtual machine are taken in both orders',
  source: '2b48f52f2bff, v6.3',
  covers: ['X-8'],
  tags: ['seed-004', 'locking'],
  variants: {
    'v6.2': variant({
      objects,
      start,
      threads: ({ vfio, group, dev, kvm, kvm_device }) => ({
        user: [call(v6_2.vfio_group_ioctl_get_device_fd, vfio, group, dev, vfio_ap).into(fd)],
        machine: [call(kvm_device_release, kvm_device, endsWithFile(vfio)), call(kvm_vm_release, kvm, endsWithFile(vfio))],
      }),
      always,
      expect: [
        { kind: 'deadlock', object: 'kvm.lock', between: ['mutex_lock', 'mutex_lock'] },
        { kind: 'lock-order', object: 'kvm.lock', between: ['mutex_lock', 'mutex_lock'] },
      ],
    }),
    'v6.3': variant({
      objects,
      start,
      threads: ({ vfio, group, dev, kvm, kvm_device }) => ({
        user: [call(v6_3.vfio_group_ioctl_get_device_fd, vfio, group, dev, vfio_ap, endsWithFileAtV6_3(vfio)).into(fd)],
        machine: [
          call(kvm_device_release, kvm_device, endsWithFileAtV6_3(vfio)),
          call(kvm_vm_release, kvm, endsWithFileAtV6_3(vfio)),
        ],
      }),
      always,
      sometimes: {
        'the user waits for the machine': ({ blocked, next }) => blocked('user') && next('user') === 'mutex_lock',
        'the device is opened without a machine': ({ result, group }) =>
          typeof result(fd) === 'number' && group.kvm.value.at === 'NULL',
        'it is opened, and the machine lives on': ({ ended, kvm, device }) =>
          ended('user') && ended('machine') && !kvm.freed && device.kvm.value.at === 'kvm',
      },
      expect: [],
    }),
  },
});
