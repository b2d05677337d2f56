/**
 * A group is added to KVM by one thread and deleted by another, and the first goes on with what the second has freed.
 *
 * An ADD put its entry on the list, let kv->lock go, and then told the group of the machine: up to v5.18 by the pointer to the
 * group, and from v5.19 on by that to the file which it reads from the entry. A DEL in between frees the entry, and with it
 * goes the reference that kept the group, or the file. Up to v5.18 it takes somebody who then closes the group and unbinds its
 * last device; from v5.19 on the DEL is enough.
 *
 * The fix, 9e0f4f2918c2, tells the group before the lock goes, and was taken back to the stable trees.
 */
import type { Operation } from '../../actors/step.ts';
import { device_lock, device_unlock } from '../../actors/vfio/rfc-2021-09/core.ts';
import * as v4_19 from '../../actors/vfio/v4.19/kvm_vfio.ts';
import type { Core } from '../../actors/vfio/v4.19/ops.ts';
import { vfio_del_group_dev } from '../../actors/vfio/v4.19/vfio.ts';
import { closeGroup, vfio_fops_release } from '../../actors/vfio/v4.19/vfio-fops.ts';
import * as v5_15 from '../../actors/vfio/v5.15/kvm_vfio.ts';
import * as v6_2 from '../../actors/vfio/v6.2/kvm_vfio.ts';
import * as v6_6 from '../../actors/vfio/v6.6/kvm_vfio.ts';
import { ENOENT } from '../../machines/sync/errno.ts';
import { pool } from '../../machines/object.ts';
import { type Device, vfio_unbound_dev, type VfioUnboundDev } from '../../machines/vfio/v4.19/vfio.ts';
import { kvm_vfio_group } from '../../machines/vfio/v6.2/vfio.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import type { HandlesOf } from './setup/handles.ts';
import * as byGroup from './setup/v4.19.ts';
import * as byFile from './setup/v6.2.ts';

const added = local<number>('added');
const deleted = local<number>('deleted');

/** What the remove of the driver of the device does, under the lock of that. */
function* unbind(core: Core, dev: Device, unbound: VfioUnboundDev): Operation {
  yield* device_lock(dev);
  yield* vfio_del_group_dev(core, dev, { vfio_unbound_dev: unbound });
  yield* device_unlock(dev);
}

const groupObjects = { ...byGroup.objects, unbound: pool(vfio_unbound_dev) };
const fileObjects = { ...byFile.objects, kvg: pool(kvm_vfio_group) };

interface Answered {
  readonly result: (of: typeof deleted) => number | undefined;
}
/** In one order the DEL finds the entry, in the other it is not there yet. */
const bothOrders = {
  'the entry is deleted': ({ result }: Answered) => result(added) === 0 && result(deleted) === 0,
  'it is not there yet': ({ result }: Answered) => result(deleted) === -ENOENT,
};

const asGroups = (add: typeof v4_19.kvm_vfio_group_add) => (of: HandlesOf<typeof groupObjects>) => {
  const core = byGroup.core(of);
  return {
    adder: [call(add, core, of.kvm_device, of.fds.group, of.kvg).into(added)],
    deleter: [
      call(v4_19.kvm_vfio_group_del, core, of.kvm_device, of.fds.group).into(deleted),
      call(closeGroup, core, of.fds).ifOk(deleted),
      call(vfio_fops_release, core, of.container).ifOk(deleted),
      call(unbind, core, of.dev, of.unbound).ifOk(deleted),
    ],
  };
};

export default defineScenario({
  name: 'add-against-del',
  summary: 'A group is deleted from KVM while it is added, and the ADD goes on with what the DEL has freed',
  source: 'virt/kvm/vfio.c, v4.10 to v6.5; 9e0f4f2918c2 and 73e2f19da508, v6.6',
  covers: ['X-20'],
  tags: ['seed-004'],
  variants: {
    'v4.19': variant({
      objects: groupObjects,
      start: byGroup.start,
      threads: asGroups(v4_19.kvm_vfio_group_add),
      expect: [
        { kind: 'use-after-free', object: 'group', between: ['kfree', 'store'] },
        { kind: 'use-after-free', object: 'group', between: ['kfree', 'head'] },
      ],
    }),
    'v5.15.y': variant({
      summary: 'The ADD of v5.15.y, on VFIO as of v4.19.',
      objects: groupObjects,
      start: byGroup.start,
      threads: asGroups(v5_15.kvm_vfio_group_add),
      sometimes: { ...bothOrders, 'and the group is gone': ({ group, iommu_group }) => group.freed && !iommu_group.freed },
      expect: [],
    }),
    'v6.2': variant({
      objects: fileObjects,
      start: byFile.start,
      threads: ({ vfio, kvm_device, fds, kvg }) => ({
        adder: [call(v6_2.kvm_vfio_group_add, byFile.atV6_2(vfio), kvm_device, fds.group, kvg).into(added)],
        deleter: [call(v6_2.kvm_vfio_group_del, byFile.atV6_2(vfio), kvm_device, fds.group).into(deleted)],
      }),
      expect: [{ kind: 'use-after-free', object: 'kvg', between: ['kfree', 'load'] }],
    }),
    'v6.6': variant({
      objects: fileObjects,
      start: byFile.start,
      threads: ({ vfio, kvm_device, fds, kvg }) => ({
        adder: [call(v6_6.kvm_vfio_file_add, byFile.atV6_3(vfio), kvm_device, fds.group, kvg).into(added)],
        deleter: [call(v6_6.kvm_vfio_file_del, byFile.atV6_3(vfio), kvm_device, fds.group).into(deleted)],
      }),
      always: {
        ...byFile.laws,
        'a group that KVM has not listed knows no machine, when nobody changes it': ({ kv, group }) =>
          kv.lock.state !== 'unlocked' || kv.group_list.entries.length === 1 || group.kvm.value.at === 'NULL',
      },
      sometimes: bothOrders,
      leaks: {
        ...moduleReferences('driver'),
        'file.f_count': ({ file, kv }) => file.f_count.f_count - 1 - kv.group_list.entries.length,
      },
      expect: [],
    }),
  },
});
