/**
 * A device is opened just when KVM is told of its group, or told to let go, and its driver hears of that twice, or last of
 * what is over.
 *
 * The registration of a notifier and vfio_group_set_kvm() have nothing in common but the chain: the one puts the block on it
 * and then looks whether there is a machine, the other notes the machine and then calls who is on the chain. Between the two
 * halves of both the driver is told by either. vfio_ap takes a reference each time, and puts one; the machine is never
 * destroyed. The registration calls the whole chain, too, with what a second look at the pointer finds: one that was told
 * meanwhile that there is no machine any more is then told that there is.
 *
 * The close has a gap of its own: it puts the reference that is there, and takes the block off the chain only after that.
 *
 * In the merged design nobody is told. The core looks once, when the device is opened, and has a reference from then on.
 */
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { kvm_device_release, kvm_vm_release } from '../../actors/vfio/v4.19/kvm_main.ts';
import { kvm_vfio_group_add, kvm_vfio_group_del } from '../../actors/vfio/v4.19/kvm_vfio.ts';
import { vfio_device_fops_release, vfio_group_get_device_fd } from '../../actors/vfio/v4.19/vfio-fops.ts';
import * as v6_3 from '../../actors/vfio/v6.3/vfio_main.ts';
import { kvm_vfio_group_add as addFile } from '../../actors/vfio/v6.2/kvm_vfio.ts';
import { globals, pool } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { kvm_vfio_group as entryOfGroup } from '../../machines/vfio/v4.19/kvm.ts';
import type { VfioDevice as Mediated } from '../../machines/vfio/v4.19/vfio.ts';
import { kvm_vfio_group, type VfioDevice } from '../../machines/vfio/v6.2/vfio.ts';
import { call, defineScenario, local, type Variant, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { listed } from '../kvm/setup/v4.19.ts';
import * as byFile from '../kvm/setup/v6.2.ts';
import { noNotifierIsLeft } from './setup/laws.ts';
import { NAME, objects as wired, start, wire } from './setup/vfio-ap.ts';

const fd = local<Mediated | number>('fd');
const opened = local<VfioDevice | number>('opened');

/** The machine is closed after the device, so that it is not the driver who has the last reference. */
const vmm = globals('vmm', { told: completion(), closed: completion() });
const mediated = { ...wired, vmm };

/** @param waits whether the device stays open until KVM was told */
const design = (waits: boolean, summary: string): Variant =>
  variant({
    summary,
    objects: mediated,
    start,
    threads: (of) => {
      const { core, kvm_ops, ops } = wire(of);
      return {
        user: [
          call(vfio_group_get_device_fd, core, of.group, NAME, ops).into(fd),
          ...(waits ? [call(wait_for_completion, of.vmm.told)] : []),
          call(vfio_device_fops_release, core, fd, ops).ifOk(fd),
          call(complete, of.vmm.closed),
        ],
        vmm: [
          call(kvm_vfio_group_add, core, of.kvm_device, of.fds.group, of.kvg),
          ...(waits ? [call(complete, of.vmm.told)] : []),
          call(wait_for_completion, of.vmm.closed),
          call(kvm_device_release, of.kvm_device, kvm_ops),
          call(kvm_vm_release, of.kvm, kvm_ops),
        ],
      };
    },
    always: noNotifierIsLeft,
    leaks: { kvm: ({ kvm }) => (kvm.freed ? 0 : kvm.users_count.n) },
    expect: [{ kind: 'leak', object: 'kvm' }],
  });

export default defineScenario({
  name: 'told-twice',
  summary: 'A driver that registers a notifier while KVM is told of its group is told twice, or last of what is over',
  source: 'drivers/vfio/vfio.c, v4.10 to v5.18; drivers/s390/crypto/vfio_ap_ops.c, v5.11; 421cfe6596f6, v5.19',
  covers: ['D-26'],
  tags: ['seed-001'],
  variants: {
    'v5.11': design(true, 'KVM is told of the group while its device is opened.'),
    'v5.11-closes': design(
      false,
      'Or while it is closed: the driver looks whether it has a machine, and unregisters after that.',
    ),
    'v5.11-let-go': variant({
      summary: 'KVM has the group, and lets go of it while the device is opened.',
      objects: { ...wired, kvg: entryOfGroup },
      start: { ...start, ...listed, 'group.kref': { n: 3 } },
      threads: (of) => {
        const { core, ops } = wire(of);
        return {
          user: [call(vfio_group_get_device_fd, core, of.group, NAME, ops).into(fd)],
          vmm: [call(kvm_vfio_group_del, core, of.kvm_device, of.fds.group)],
        };
      },
      always: noNotifierIsLeft,
      atEnd: { 'the driver has the machine that its group has': ({ mdev, group }) => mdev.kvm.value.at === group.kvm.value.at },
      expect: [{ kind: 'end-state', object: 'mdev.kvm' }],
    }),
    'v6.3': variant({
      objects: { ...byFile.objects, kvg: pool(kvm_vfio_group), vmm },
      start: byFile.start,
      threads: ({ vfio, group, dev, kvm, kvm_device, fds, kvg, vmm }) => {
        const kvm_ops = byFile.endsWithFileAtV6_3(vfio);
        const ops = byFile.kvmgt(kvm_ops);
        return {
          user: [
            call(v6_3.vfio_group_ioctl_get_device_fd, vfio, group, dev, ops, kvm_ops).into(opened),
            call(v6_3.vfio_device_fops_release, vfio, opened, ops, kvm_ops).ifOk(opened),
            call(complete, vmm.closed),
          ],
          vmm: [
            call(addFile, byFile.atV6_3(vfio), kvm_device, fds.group, kvg),
            call(wait_for_completion, vmm.closed),
            call(kvm_device_release, kvm_device, kvm_ops),
            call(kvm_vm_release, kvm, kvm_ops),
          ],
        };
      },
      always: byFile.laws,
      sometimes: {
        'the device is opened with the machine': ({ device }) => device.open_count.value === 1 && device.kvm.value.at === 'kvm',
        'it was opened too early': ({ result }) => typeof result(opened) === 'number',
      },
      leaks: {
        ...moduleReferences('driver'),
        kvm: ({ kvm }) => (kvm.freed ? 0 : kvm.users_count.n),
        'file.f_count': ({ file }) => file.f_count.f_count - 1,
      },
      expect: [],
    }),
  },
});
