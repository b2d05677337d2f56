/**
 * drivers/vfio/vfio_iommu_type1.c, v6.1, for containers in which all groups are emulated: nothing is mapped in an IOMMU, and
 * pages are pinned and charged for as long as drivers ask for them.
 *
 * Left out: groups with an IOMMU; dirty tracking; flags of the ioctls and what they refuse beside ranges that do not fit;
 * v1 containers; references to the task and its mm, which outlive everything here; pages that cannot be had, allocations
 * that fail, limits.
 */
import { NULL } from '../../../machines/object.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import type { MmStruct, VfioDevice, VfioDma, VfioIommu, VfioPfn } from '../../../machines/vfio/v6.1/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import { again, type Again, BUG_ON, isAgain, kfree, kzalloc, loop, type Operation, WARN_ON } from '../../step.ts';
import { atomic_dec, atomic_inc } from '../../sync/atomic.ts';
import { list_add, list_add_tail, list_del, list_empty, list_for_each_entry, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_read, down_write, up_read, up_write } from '../../sync/rwsem.ts';
import { EINVAL } from '../errno.ts';
import type { NotifiedOps, VfioDeviceOps } from './ops.ts';

/** Addresses and sizes are in pages. */
export interface Range {
  readonly iova: number;
  readonly size: number;
}

export type Notify = (iommu: VfioIommu, dma: VfioDma) => Operation;

const endOf = function* (dma: VfioDma): Operation<number> {
  return (yield* load(dma.iova)) + (yield* load(dma.size));
};

/** The mapping that overlaps the range, or holds its first address where its size is 0. */
export const vfio_find_dma = (iommu: VfioIommu, start: number, size: number): Operation<VfioDma | undefined> =>
  list_for_each_entry<VfioDma, VfioDma | undefined>(iommu.dma_list, 'node', function* (dma) {
    if (start + size <= (yield* load(dma.iova))) return undefined;
    return start < (yield* endOf(dma)) ? dma : undefined;
  });

const vfio_find_vpfn = (dma: VfioDma, iova: number): Operation<VfioPfn | undefined> =>
  list_for_each_entry<VfioPfn, VfioPfn | undefined>(dma.pfn_list, 'node', function* (vpfn) {
    return (yield* load(vpfn.iova)) === iova ? vpfn : undefined;
  });

/** Charges pages to the process that has mapped them. */
function* vfio_lock_acct(dma: VfioDma, npage: number): Operation {
  const mm = yield* follow(dma.mm);
  yield* down_write(mm.mmap_lock);
  yield* store(mm.locked_vm, (yield* load(mm.locked_vm)) + npage);
  yield* up_write(mm.mmap_lock);
  yield* store(dma.locked_vm, (yield* load(dma.locked_vm)) + npage);
}

/** @returns how many pages were let go */
function* vfio_iova_put_vfio_pfn(dma: VfioDma, vpfn: VfioPfn): Operation<number> {
  const ref_count = (yield* load(vpfn.ref_count)) - 1;
  yield* store(vpfn.ref_count, ref_count);
  if (ref_count > 0) return 0;
  yield* atomic_dec((yield* follow(dma.mm)).pinned);
  yield* list_del(vpfn.node, dma.pfn_list);
  yield* kfree(vpfn);
  return 1;
}

function* vfio_unpin_page_external(dma: VfioDma, iova: number): Operation {
  const vpfn = yield* vfio_find_vpfn(dma, iova);
  if (vpfn === undefined) return;
  const unlocked = yield* vfio_iova_put_vfio_pfn(dma, vpfn);
  if (unlocked > 0) yield* vfio_lock_acct(dma, -unlocked);
}

function* vfio_pin_page_external(dma: VfioDma): Operation {
  const mm = yield* follow(dma.mm);
  yield* down_read(mm.mmap_lock);
  yield* atomic_inc(mm.pinned);
  yield* up_read(mm.mmap_lock);
  yield* vfio_lock_acct(dma, 1);
}

function* vfio_add_to_pfn_list(dma: VfioDma, iova: number, from: VfioPfn): Operation {
  const vpfn = yield* kzalloc(from);
  yield* store(vpfn.iova, iova);
  yield* store(vpfn.ref_count, 1);
  yield* list_add_tail(vpfn.node, dma.pfn_list);
}

/** @returns how many pages are pinned: 1, for no driver here asks for more; or a negative errno */
export function* vfio_iommu_type1_pin_pages(iommu: VfioIommu, iova: number, from: VfioPfn): Operation<number> {
  yield* mutex_lock(iommu.lock);
  let ret = -EINVAL;
  const dma = (yield* list_empty(iommu.device_list)) ? undefined : yield* vfio_find_dma(iommu, iova, 1);
  if (dma !== undefined) {
    const vpfn = yield* vfio_find_vpfn(dma, iova);
    if (vpfn !== undefined) yield* store(vpfn.ref_count, (yield* load(vpfn.ref_count)) + 1);
    else {
      yield* vfio_pin_page_external(dma);
      yield* vfio_add_to_pfn_list(dma, iova, from);
    }
    ret = 1;
  }
  yield* mutex_unlock(iommu.lock);
  return ret;
}

/** One page, too. */
export function* vfio_iommu_type1_unpin_pages(iommu: VfioIommu, iova: number): Operation {
  yield* mutex_lock(iommu.lock);
  const dma = yield* vfio_find_dma(iommu, iova, 1);
  if (dma !== undefined) yield* vfio_unpin_page_external(dma, iova);
  yield* mutex_unlock(iommu.lock);
  yield* WARN_ON(dma === undefined, 'i != npage');
}

function* vfio_remove_dma(iommu: VfioIommu, dma: VfioDma): Operation {
  yield* WARN_ON(!(yield* list_empty(dma.pfn_list)), '!RB_EMPTY_ROOT(&dma->pfn_list)');
  yield* list_del(dma.node, iommu.dma_list);
  yield* kfree(dma);
}

/** Drivers have to unpin what they have in the range. For that they take iommu->lock, which is why it is let go. */
export const vfio_notify_dma_unmap = ({ dma_unmap }: NotifiedOps): Notify =>
  function* vfio_notify_dma_unmap(iommu, dma) {
    if (yield* list_empty(iommu.device_list)) return;
    yield* mutex_lock(iommu.device_list_lock);
    yield* mutex_unlock(iommu.lock);
    yield* list_for_each_entry<VfioDevice, undefined>(iommu.device_list, 'iommu_entry', function* (device) {
      yield* dma_unmap(device, yield* load(dma.iova), yield* load(dma.size));
      return undefined;
    });
    yield* mutex_unlock(iommu.device_list_lock);
    yield* mutex_lock(iommu.lock);
  };

/** VFIO_IOMMU_MAP_DMA. User space maps upwards here, so that the list stays in order. @returns 0, or -EEXIST */
export function* vfio_dma_do_map(iommu: VfioIommu, mm: MmStruct, { iova, size }: Range, from: VfioDma): Operation<number> {
  yield* mutex_lock(iommu.lock);
  const overlaps = (yield* vfio_find_dma(iommu, iova, size)) !== undefined;
  if (!overlaps) {
    const dma = yield* kzalloc(from);
    yield* store(dma.iova, iova);
    yield* store(dma.mm, mm);
    yield* list_add_tail(dma.node, iommu.dma_list);
    yield* store(dma.size, size);
  }
  yield* mutex_unlock(iommu.lock);
  return overlaps ? -EEXIST : 0;
}

/** Whether the range would cut a mapping in two. */
function* bisects(iommu: VfioIommu, { iova, size }: Range): Operation<boolean> {
  const first = yield* vfio_find_dma(iommu, iova, 1);
  if (first !== undefined && (yield* load(first.iova)) !== iova) return true;
  const last = yield* vfio_find_dma(iommu, iova + size - 1, 0);
  return last !== undefined && (yield* endOf(last)) !== iova + size;
}

/** What goes from one pass to the next: it begins anew after each notice. */
type Pass = { readonly unmapped: number; readonly dma_last: string; readonly retries: number };

/**
 * A mapping that is cut in two is refused in the first pass only: later `ret` is 0, as in C.
 * @returns how many pages are unmapped by now, or -EINVAL, or that the lock was let go and all is to be looked at anew
 */
function* unmapPass(iommu: VfioIommu, range: Range, pass: Pass, notify: Notify): Operation<number | Again<Pass>> {
  let { unmapped } = pass;
  if (yield* bisects(iommu, range)) return pass.dma_last === NULL.path ? -EINVAL : unmapped;
  const notified = yield* list_for_each_entry_safe<VfioDma, Again<Pass> | 'done' | undefined>(
    iommu.dma_list,
    'node',
    function* (dma) {
      if (range.iova >= (yield* endOf(dma))) return undefined;
      if ((yield* load(dma.iova)) >= range.iova + range.size) return 'done';
      if (!(yield* list_empty(dma.pfn_list))) {
        const retries = pass.dma_last === dma.path ? pass.retries + 1 : 0;
        yield* BUG_ON(retries > 10, '++retries > 10');
        yield* notify(iommu, dma);
        return again({ unmapped, dma_last: dma.path, retries });
      }
      unmapped += yield* load(dma.size);
      yield* vfio_remove_dma(iommu, dma);
      return undefined;
    },
  );
  return isAgain(notified) ? notified : unmapped;
}

/**
 * VFIO_IOMMU_UNMAP_DMA.
 * @returns how many pages were unmapped, or -EINVAL
 */
export function* vfio_dma_do_unmap(iommu: VfioIommu, range: Range, notify: Notify): Operation<number> {
  yield* mutex_lock(iommu.lock);
  const ret = yield* loop<Pass, number>({ unmapped: 0, dma_last: NULL.path, retries: 0 }, (pass) =>
    unmapPass(iommu, range, pass, notify),
  );
  yield* mutex_unlock(iommu.lock);
  return ret;
}

/** Whoever holds one of the two locks finds the list as it is. */
export function* vfio_iommu_type1_register_device(iommu: VfioIommu, device: VfioDevice, ops: VfioDeviceOps): Operation {
  if (ops.dma_unmap === undefined) return;
  yield* mutex_lock(iommu.lock);
  yield* mutex_lock(iommu.device_list_lock);
  yield* list_add(device.iommu_entry, iommu.device_list);
  yield* mutex_unlock(iommu.device_list_lock);
  yield* mutex_unlock(iommu.lock);
}

export function* vfio_iommu_type1_unregister_device(iommu: VfioIommu, device: VfioDevice, ops: VfioDeviceOps): Operation {
  if (ops.dma_unmap === undefined) return;
  yield* mutex_lock(iommu.lock);
  yield* mutex_lock(iommu.device_list_lock);
  yield* list_del(device.iommu_entry, iommu.device_list);
  yield* mutex_unlock(iommu.device_list_lock);
  yield* mutex_unlock(iommu.lock);
}
