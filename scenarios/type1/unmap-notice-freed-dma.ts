/**
 * Two threads of user space unmap the same range, in which a driver has pinned a page. The first tells all devices of the
 * container to let go, one after the other, and reads for each of them anew from the mapping what is to be unmapped;
 * iommu->lock it has let go. Once the driver has unpinned, nothing keeps the mapping: the second finds it without pins,
 * takes it down and frees it. The notice to the next device reads freed memory.
 *
 * Up to v5.19 the range was copied to the stack for the notifier chain. To copy it again is enough against this, but leaves
 * the deadlock of the two locks (unmap-notice-deadlock), into which the two threads run as well.
 */
import * as proposed from '../../actors/vfio/proposed/index.ts';
import * as v6_1 from '../../actors/vfio/v6.1/index.ts';
import * as in6_1 from '../../machines/vfio/v6.1/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { emulated } from './setup/emulated.ts';

const range = { iova: 0, size: 1 };
const first = local<number>('first');
const second = local<number>('second');

const objects = {
  iommu: in6_1.vfio_iommu,
  mm: in6_1.mm_struct,
  vgpu: in6_1.intel_vgpu,
  group: in6_1.vfio_group,
  other: in6_1.intel_vgpu,
  other_group: in6_1.vfio_group,
  dma: in6_1.vfio_dma,
  pfn: in6_1.vfio_pfn,
  page: in6_1.gvt_dma,
};
const start = emulated(
  [{ dma: 'dma', ...range, pinned: [{ gfn: 0, vfio_pfn: 'pfn', gvt_dma: 'page' }] }],
  [
    ['vgpu', 'group'],
    ['other', 'other_group'],
  ],
);

const threads = (iommu: in6_1.VfioIommu, notify: v6_1.Notify) => ({
  first: [call(v6_1.vfio_dma_do_unmap, iommu, range, notify).into(first)],
  second: [call(v6_1.vfio_dma_do_unmap, iommu, range, notify).into(second)],
});

const deadlocks = [
  { kind: 'deadlock', object: 'iommu.lock', between: ['mutex_lock', 'mutex_lock'] },
  { kind: 'lock-order', object: 'iommu.device_list_lock', between: ['mutex_lock', 'mutex_lock'] },
] as const;

type Freed = {
  readonly dma: { readonly freed: boolean };
  readonly iommu: { readonly device_list_lock: { owner: string | null } };
};
const isGoneWhileTold = ({ dma, iommu }: Freed) => dma.freed && iommu.device_list_lock.owner !== null;

export default defineScenario({
  name: 'unmap-notice-freed-dma',
  summary: 'A mapping is freed while the devices of its container are still told that it goes',
  source: 'vfio_notify_dma_unmap() since ce4b4657ff18, v6.0; as of v6.18',
  covers: ['D-17'],
  tags: ['seed-001'],
  variants: {
    'v6.1': variant({
      objects,
      start,
      threads: ({ iommu }) => threads(iommu, v6_1.vfio_notify_dma_unmap(v6_1.intel_vgpu_dev_ops)),
      expect: [{ kind: 'use-after-free', object: 'dma', between: ['kfree', 'load'] }, ...deadlocks],
    }),
    'range-copied': variant({
      summary: 'The range is read before iommu->lock is let go. The order of the locks is left as it is.',
      objects,
      start,
      threads: ({ iommu }) => threads(iommu, proposed.notify_of_copied_range(v6_1.intel_vgpu_dev_ops)),
      sometimes: { 'the mapping is gone while devices are told': isGoneWhileTold },
      expect: deadlocks,
    }),
    proposed: variant({
      summary: 'The range is read before iommu->lock is let go, and device_list_lock taken after that.',
      objects,
      start,
      threads: ({ iommu }) => threads(iommu, proposed.notify_with_list_lock_outside(v6_1.intel_vgpu_dev_ops)),
      sometimes: { 'the mapping is gone while devices are told': isGoneWhileTold },
      atEnd: {
        'one of them has unmapped it': ({ result }) => (result(first) ?? 0) + (result(second) ?? 0) === 1,
        'nothing is pinned and nothing charged': ({ mm }) => mm.pinned.n === 0 && mm.locked_vm.value === 0,
      },
      expect: [],
    }),
  },
});
