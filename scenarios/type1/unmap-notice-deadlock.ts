/**
 * Who unmaps what a driver has pinned tells the devices of the container to let go, and walks the list of them under
 * device_list_lock. That lock is taken under iommu->lock, which is then let go, for the driver will want it to unpin: so
 * device_list_lock stands within iommu->lock there, and around it in the driver's answer.
 *
 * A second thread of user space that unmaps something else which is pinned, or opens another device, comes with
 * iommu->lock to device_list_lock, while the first holds that and waits for iommu->lock. Both are stuck, and with them
 * everybody who pins, maps or opens in this container. A user whose ioctls are serialised by a lock of its own does not
 * run into it; the lock validator complains about the first unmap of pinned pages all the same.
 *
 * Up to v5.19 a notifier chain was called instead, with iommu->lock let go before the rwsem of the chain was taken. That
 * order is what is proposed here; v6.18 still has the other.
 */
import * as proposed from '../../actors/vfio/proposed/index.ts';
import * as v6_1 from '../../actors/vfio/v6.1/index.ts';
import * as in6_1 from '../../machines/vfio/v6.1/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { closed, emulated } from './setup/emulated.ts';

const low = { iova: 0, size: 1 };
const high = { iova: 1, size: 1 };
const unmapped = { low: local<number>('unmapped.low'), high: local<number>('unmapped.high') };
const opened = local<number>('opened');

const objects = {
  iommu: in6_1.vfio_iommu,
  mm: in6_1.mm_struct,
  vgpu: in6_1.intel_vgpu,
  group: in6_1.vfio_group,
  other: in6_1.intel_vgpu,
  other_group: in6_1.vfio_group,
  low: in6_1.vfio_dma,
  high: in6_1.vfio_dma,
  low_pfn: in6_1.vfio_pfn,
  high_pfn: in6_1.vfio_pfn,
  low_page: in6_1.gvt_dma,
  high_page: in6_1.gvt_dma,
};
const start = {
  ...emulated(
    [
      { dma: 'low', ...low, pinned: [{ gfn: 0, vfio_pfn: 'low_pfn', gvt_dma: 'low_page' }] },
      { dma: 'high', ...high, pinned: [{ gfn: 1, vfio_pfn: 'high_pfn', gvt_dma: 'high_page' }] },
    ],
    [['vgpu', 'group']],
  ),
  ...closed('other', 'other_group'),
};

const notify = {
  'v6.1': v6_1.vfio_notify_dma_unmap(v6_1.intel_vgpu_dev_ops),
  proposed: proposed.notify_with_list_lock_outside(v6_1.intel_vgpu_dev_ops),
};
const unmap = (iommu: in6_1.VfioIommu, what: 'low' | 'high', design: keyof typeof notify) =>
  call(v6_1.vfio_dma_do_unmap, iommu, what === 'low' ? low : high, notify[design]).into(unmapped[what]);

type Circle = {
  readonly iommu: { readonly lock: { owner: string | null }; readonly device_list_lock: { owner: string | null } };
};
/** Where v6.1 waits for ever. */
const isCrossed = ({ iommu }: Circle) => iommu.device_list_lock.owner === 'first' && iommu.lock.owner === 'second';

const lockOrder = { kind: 'lock-order', object: 'iommu.device_list_lock', between: ['mutex_lock', 'mutex_lock'] } as const;
const deadlock = { kind: 'deadlock', object: 'iommu.lock', between: ['mutex_lock', 'mutex_lock'] } as const;

export default defineScenario({
  name: 'unmap-notice-deadlock',
  summary: 'Two threads unmap pinned memory of one container, and wait for each other',
  source: 'vfio_notify_dma_unmap() since ce4b4657ff18, v6.0; as of v6.18',
  covers: ['D-16'],
  tags: ['seed-001'],
  variants: {
    'v6.1': variant({
      objects,
      start,
      threads: ({ iommu }) => ({ first: [unmap(iommu, 'low', 'v6.1')], second: [unmap(iommu, 'high', 'v6.1')] }),
      expect: [deadlock, lockOrder],
    }),
    'v6.1-open': variant({
      summary: 'The second thread opens another device of the container.',
      objects,
      start,
      threads: ({ iommu, other }) => ({
        first: [unmap(iommu, 'low', 'v6.1')],
        second: [call(v6_1.vfio_device_open, other, v6_1.intel_vgpu_dev_ops).into(opened)],
      }),
      expect: [deadlock, lockOrder],
    }),
    'v6.1-serialised': variant({
      summary: 'One thread makes all calls, as behind a lock of user space: only the lock validator notices.',
      objects,
      start,
      threads: ({ iommu }) => ({ first: [unmap(iommu, 'low', 'v6.1'), unmap(iommu, 'high', 'v6.1')] }),
      atEnd: { 'both are unmapped': ({ low: one, high: two, mm }) => one.freed && two.freed && mm.locked_vm.value === 0 },
      expect: [lockOrder],
      leadsToNothing: true,
    }),
    proposed: variant({
      summary: 'device_list_lock is taken before iommu->lock, or without it.',
      objects,
      start,
      threads: ({ iommu }) => ({ first: [unmap(iommu, 'low', 'proposed')], second: [unmap(iommu, 'high', 'proposed')] }),
      sometimes: { 'one tells the devices while the other looks for what to unmap': isCrossed },
      atEnd: {
        'each has unmapped its own': ({ result }) => result(unmapped.low) === 1 && result(unmapped.high) === 1,
        'nothing is pinned and nothing charged': ({ mm }) => mm.pinned.n === 0 && mm.locked_vm.value === 0,
      },
      expect: [],
    }),
    'proposed-open': variant({
      summary: 'device_list_lock is taken before iommu->lock, or without it; the second thread opens another device.',
      objects,
      start,
      threads: ({ iommu, other }) => ({
        first: [unmap(iommu, 'low', 'proposed')],
        second: [call(v6_1.vfio_device_open, other, v6_1.intel_vgpu_dev_ops, proposed.list_lock_outside).into(opened)],
      }),
      sometimes: {
        'the open waits for the notice to end': ({ iommu, blocked }) =>
          iommu.device_list_lock.owner === 'first' && blocked('second'),
      },
      atEnd: {
        'the range is unmapped, and the other device known': ({ result, iommu }) =>
          result(unmapped.low) === 1 && result(opened) === 0 && iommu.device_list.entries.length === 2,
      },
      expect: [],
    }),
  },
});
