/**
 * A device that is closed lets go of a virtual machine that nobody else has any more, and destroys it under the very lock
 * that telling its group of that takes.
 *
 * The user has closed the machine before the device, so that the driver has the last reference. Its close puts it while the
 * core holds group_lock. With the machine go its devices, and kvm_vfio_destroy() tells the group that there is no machine
 * any more: vfio_file_set_kvm() waits for group_lock, which its own thread holds. The device's file is never released, and
 * nobody can use the group again.
 *
 * The fix, 51cdc8bc120e, lets the entries of the kvm-vfio device go when its own file is closed: by then the group has
 * forgotten the machine, and nothing that touches the group is left for the last reference. From v6.3 on the core puts it,
 * still under group_lock, and set_kvm takes another lock.
 *
 * The notifiers that came before had the same with the driver's own lock: vfio_ap puts its reference under
 * matrix_dev->lock, and is told that there is no machine by a call that takes it.
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { kvm_device_release, type KvmDeviceOps, kvm_vm_release } from '../../actors/vfio/v4.19/kvm_main.ts';
import { kvm_vfio_group_add } from '../../actors/vfio/v4.19/kvm_vfio.ts';
import * as v4_19 from '../../actors/vfio/v4.19/vfio-fops.ts';
import * as v6_2 from '../../actors/vfio/v6.2/vfio_main.ts';
import * as v6_3 from '../../actors/vfio/v6.3/vfio_main.ts';
import { globals } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import type { VfioDevice as VfioDeviceV4_19 } from '../../machines/vfio/v4.19/vfio.ts';
import { kvm_vfio_group, type VfioDevice } from '../../machines/vfio/v6.2/vfio.ts';
import type { Vfio } from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, type Variant, variant, type View } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import * as vfio_ap from '../group-notifier/setup/vfio-ap.ts';
import { endsWithFile, endsWithFileAtV6_3, endsWithMachine, kvmgt, laws, listed, objects } from './setup/v6.2.ts';

const fd = local<VfioDevice | number>('fd');
const mediated = local<VfioDeviceV4_19 | number>('mediated');

/** The machine is closed when the device is open, and not before. */
const vmm = globals('vmm', { opened: completion() });
const all = { ...objects, kvg: kvm_vfio_group, vmm };

/** How the core opens and closes a device. */
interface Core {
  readonly open: typeof v6_3.vfio_group_ioctl_get_device_fd;
  readonly close: typeof v6_3.vfio_device_fops_release;
}
const atV6_2: Core = { open: v6_2.vfio_group_ioctl_get_device_fd, close: v6_2.vfio_device_fops_release };
const atV6_3: Core = { open: v6_3.vfio_group_ioctl_get_device_fd, close: v6_3.vfio_device_fops_release };

/** @param core who opens and closes the device: VFIO at v6.2 or at v6.3 */
const design = (ends: (vfio: Vfio) => KvmDeviceOps, core: Core, expect: Variant['expect'], summary: string): Variant =>
  variant({
    summary,
    objects: all,
    start: listed,
    threads: ({ vfio, group, dev, kvm, kvm_device, vmm }) => {
      const kvm_ops = ends(vfio);
      const ops = kvmgt(kvm_ops);
      return {
        user: [
          call(core.open, vfio, group, dev, ops, kvm_ops).into(fd),
          call(complete, vmm.opened),
          call(core.close, vfio, fd, ops, kvm_ops).ifOk(fd),
        ],
        vmm: [
          call(wait_for_completion, vmm.opened),
          call(kvm_device_release, kvm_device, kvm_ops),
          call(kvm_vm_release, kvm, kvm_ops),
        ],
      };
    },
    always: laws,
    sometimes: {
      'the machine is closed, and the device is not': ({ kvm, ended, device }) =>
        ended('vmm') && !kvm.freed && device.open_count.value === 1,
    },
    atEnd: {
      'the machine is gone': ({ kvm }) => kvm.freed,
      'the group knows of none': ({ group }) => group.kvm.value.at === 'NULL',
    },
    leaks: { ...moduleReferences('driver'), 'file.f_count': ({ file }) => file.f_count.f_count - 1 },
    expect,
  });

const mediatedObjects = { ...vfio_ap.objects, vmm };
const isLast = ({ kvm, ended, device }: View<typeof mediatedObjects>) => ended('vmm') && !kvm.freed && device.files.n === 1;

export default defineScenario({
  name: 'last-reference',
  summary: 'A device that is closed puts the last reference on a machine, and destroys it under the lock that this needs',
  source: '51cdc8bc120e, v6.2-rc6; drivers/s390/crypto/vfio_ap_ops.c, v5.11',
  covers: ['X-8', 'D-24'],
  tags: ['seed-004', 'locking'],
  variants: {
    'v6.2-rc5': design(
      endsWithMachine,
      atV6_2,
      [
        { kind: 'self-deadlock', object: 'group.group_lock', between: ['mutex_lock', 'mutex_lock'] },
        // The same step, as an order of locks: group_lock is asked for under the lock of the set, which stands after it.
        { kind: 'lock-order', object: 'dev_set.lock', between: ['mutex_lock', 'mutex_lock'] },
      ],
      'The entries of the kvm-vfio device go with the machine.',
    ),
    'v6.2': design(endsWithFile, atV6_2, [], 'They go when the file of the kvm-vfio device is closed.'),
    'v6.3': design(endsWithFileAtV6_3, atV6_3, [], 'And the core has a reference of its own, which it puts after the driver.'),
    'v5.11-vfio-ap': variant({
      summary: 'The driver is told by a notifier, and puts its reference under its own lock.',
      objects: mediatedObjects,
      start: vfio_ap.start,
      threads: (of) => {
        const { core, kvm_ops, ops } = vfio_ap.wire(of);
        return {
          user: [
            call(kvm_vfio_group_add, core, of.kvm_device, of.fds.group, of.kvg),
            call(v4_19.vfio_group_get_device_fd, core, of.group, vfio_ap.NAME, ops).into(mediated),
            call(complete, of.vmm.opened),
            call(v4_19.vfio_device_fops_release, core, mediated, ops).ifOk(mediated),
          ],
          vmm: [
            call(wait_for_completion, of.vmm.opened),
            call(kvm_device_release, of.kvm_device, kvm_ops),
            call(kvm_vm_release, of.kvm, kvm_ops),
          ],
        };
      },
      sometimes: { 'the machine is closed, and the device is not': isLast },
      expect: [
        { kind: 'self-deadlock', object: 'matrix_dev.lock', between: ['mutex_lock', 'mutex_lock'] },
        { kind: 'lock-order', object: 'matrix_dev.lock', between: ['down_read', 'mutex_lock'] },
      ],
    }),
  },
});
