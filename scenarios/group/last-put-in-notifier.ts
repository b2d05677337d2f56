/**
 * A driver is bound to one device of a group, while vfio-pci is unbound from the only other.
 *
 * The IOMMU group tells its listeners that a driver comes, with the rwsem of the chain held for reading. VFIO takes a
 * reference on its group for as long as it looks, and drops it. Where the unbind has dropped all others meanwhile, that one
 * is the last: the group is released, which takes its notifier off the chain, for which the rwsem is to be held for writing,
 * by a thread that holds it for reading. It waits for itself, under the lock of its device, and with it whoever binds,
 * unbinds or looks at the chain of that IOMMU group.
 *
 * Since v4.13 a worker drops the reference.
 */
import { defineScenario, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { usersNoted } from '../laws/container-users.ts';
import { v3_12Group, v5_14Group } from './setup/with-sibling.ts';

export default defineScenario({
  name: 'last-put-in-notifier',
  summary: 'A notifier of an IOMMU group drops the last reference on the vfio_group, whose release waits for the notifier',
  source: 'drivers/vfio/vfio.c, v3.6 to v4.12; 811642d8d8a8 vfio: Fix group release deadlock (v4.13)',
  covers: ['X-6'],
  tags: ['seed-004'],
  variants: {
    'v3.12': variant({
      objects: v3_12Group.objects,
      start: v3_12Group.closed,
      threads: (all) => ({ unbinder: [v3_12Group.unbind(all)], binder: [v3_12Group.bindSibling(all)] }),
      sometimes: {
        'the notifier has the last reference': ({ next, group, iommu_group }) =>
          next('binder') === 'refcount_dec_not_one' &&
          group.kref.n === 1 &&
          iommu_group.notifier_rwsem.readers.includes('binder'),
      },
      expect: [{ kind: 'self-deadlock', object: 'iommu_group.notifier_rwsem' }],
    }),
    'v5.14': variant({
      objects: v5_14Group.objects,
      start: v5_14Group.closed,
      threads: (all) => ({
        unbinder: [v5_14Group.unbind(all)],
        binder: [v5_14Group.bindSibling(all)],
        kworker: v5_14Group.kworker(all),
      }),
      always: usersNoted('group'),
      sometimes: {
        'the notifier has the last reference': ({ group, iommu_group, next }) =>
          group.kref.n === 1 && next('binder') === 'kzalloc' && iommu_group.notifier_rwsem.readers.includes('binder'),
        'the worker drops the last reference': ({ next, group }) =>
          next('kworker') === 'refcount_dec_not_one' && group.kref.n === 1,
      },
      atEnd: { 'group and device are gone': ({ group, device }) => group.freed && device.freed },
      leaks: {
        ...moduleReferences('vfio_pci'),
        'iommu_group.notifier_head': ({ iommu_group }) => iommu_group.notifier_head.blocks.length,
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 1,
        'vfio.group_idr': ({ vfio }) => Object.keys(vfio.group_idr.entries).length,
        unbound: ({ all }) => all('unbound').filter(({ freed }) => !freed).length,
        put_work: ({ all }) => all('put_work').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
  },
});
