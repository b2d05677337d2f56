/**
 * In v11 vfio_mdev registers the notifier of a driver before it calls the open of the driver, and unregisters it after its
 * release. In between an unmap may come, of a page that another device on the container has pinned: all who are on the
 * chain are told. The driver is called for a device that it has not opened yet, or for one that it has closed, and goes
 * through a pointer that is not set, or to memory that it has freed.
 *
 * Merged was another design: a driver registers itself, when its own state is there, and unregisters before that goes.
 */
import type { VfioDevice } from '../../machines/vfio/v4.19/index.ts';
import { defineScenario, local, variant } from '../../src/index.ts';
import { besideAnother, calls, type Design, type Vm } from './setup/v11.ts';

const opened = local<VfioDevice | number>('opened');
const unmapped = local<number>('unmapped');

const threads = (vm: Vm, design: Design) => {
  const user = calls(vm, design);
  return { user: [user.open.into(opened), user.close.ifOk(opened)], unmapper: [user.unmap.into(unmapped)] };
};

export default defineScenario({
  name: 'told-outside-open',
  summary: 'A driver is told of an unmap before its open has run, or after its release',
  source: 'mdev series v11, "Added notifier callback function to mdev parent\'s ops"',
  covers: ['G-8'],
  tags: ['seed-001'],
  variants: {
    v11: variant({
      ...besideAnother,
      threads: (vm) => threads(vm, 'v11'),
      expect: [
        { kind: 'null-deref', object: 'cache_lock' },
        { kind: 'use-after-free', object: 'session', between: ['kfree', 'mutex_lock'] },
        { kind: 'warn', object: 'session.cache_lock' },
      ],
    }),
    'v4.10': variant({
      ...besideAnother,
      summary: 'The driver registers itself in its open, and unregisters in its release.',
      threads: (vm) => threads(vm, 'registers-itself'),
      sometimes: {
        'an unmap comes before the driver can be told': ({ iommu, mdev }) =>
          iommu.notifier_rwsem.state === 'read' &&
          mdev.driver_data.value.at !== 'NULL' &&
          iommu.notifier_head.blocks.length === 1,
        'the driver is told while it is open': ({ iommu, result }) =>
          iommu.notifier_rwsem.state === 'read' && iommu.notifier_head.blocks.length === 2 && typeof result(opened) === 'object',
        'the close waits until all are told': ({ next, blocked }) =>
          next('user') === 'rwsem_down_write_slowpath' && blocked('user'),
      },
      atEnd: {
        'the device was opened and closed, and the memory unmapped': ({ result, mdev }) =>
          typeof result(opened) === 'object' && result(unmapped) === 1 && mdev.driver_data.value.at === 'NULL',
        'nothing is pinned, and nothing charged': ({ mm, page }) => mm.locked_vm.value === 0 && page._refcount.n === 1,
      },
      leaks: {
        session: ({ all }) => all('session').filter(({ freed }) => !freed).length,
        'vfio_mdev.owner': ({ vfio_mdev }) => vfio_mdev.owner.refcnt - 2,
        'iommu.notifier_head': ({ iommu }) => iommu.notifier_head.blocks.length - 1,
        'group.container_users': ({ group }) => group.container_users.n - 2,
      },
      expect: [],
    }),
  },
});
