/**
 * drivers/gpu/drm/i915/gvt/kvmgt.c, v6.1: a driver that pins guest pages for its graphics device as the guest maps them, and
 * lets them go when user space unmaps them.
 *
 * Left out: the DMA mappings of the graphics device, for which a page is pinned, and the tree of them by DMA address; pages
 * of other sizes; KVM, whose page tracking begins and ends beside the cache.
 */
import { EEXIST } from '../../../machines/sync/errno.ts';
import type { GvtDma, IntelVgpu, VfioDevice, VfioPfn } from '../../../machines/vfio/v6.1/index.ts';
import type { Operation } from '../../step.ts';
import { atomic_cmpxchg, atomic_set } from '../../sync/atomic.ts';
import { kref_get } from '../../sync/kref.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL } from '../errno.ts';
import { __gvt_cache_add, __gvt_cache_find_gfn, __gvt_cache_remove_entry, gvt_cache_destroy } from '../v4.19/kvmgt-cache.ts';
import { vfio_pin_pages, vfio_unpin_pages } from './container.ts';
import type { NotifiedOps } from './ops.ts';

/** Memory for what is pinned: an entry of the driver, and one of the container. */
export interface PinPools {
  readonly gvt_dma: GvtDma;
  readonly vfio_pfn: VfioPfn;
}

const gvt_unpin_guest_page = (vgpu: IntelVgpu, gfn: number): Operation => vfio_unpin_pages(vgpu, gfn);

function* gvt_pin_guest_page(vgpu: IntelVgpu, gfn: number, { vfio_pfn }: PinPools): Operation<number> {
  const ret = yield* vfio_pin_pages(vgpu, gfn, vfio_pfn);
  return ret === 1 ? 0 : ret;
}

/* The mapping that is made after the pin, and undone before the unpin, is that of the graphics device. */
const gvt_dma_map_page = gvt_pin_guest_page;
const gvt_dma_unmap_page = gvt_unpin_guest_page;

function* intel_vgpu_dma_unmap(device: VfioDevice, iova: number, length: number): Operation {
  const vgpu = device as IntelVgpu;
  yield* mutex_lock(vgpu.cache_lock);
  for (let iov_pfn = iova; iov_pfn < iova + length; iov_pfn++) {
    const entry = yield* __gvt_cache_find_gfn(vgpu, iov_pfn);
    if (entry === undefined) continue;
    yield* gvt_dma_unmap_page(vgpu, yield* load(entry.gfn));
    yield* __gvt_cache_remove_entry(vgpu, entry);
  }
  yield* mutex_unlock(vgpu.cache_lock);
}

function* intel_vgpu_open_device(device: VfioDevice): Operation<number> {
  const vgpu = device as IntelVgpu;
  if (yield* load(vgpu.attached)) return -EEXIST;
  yield* store(vgpu.attached, true);
  yield* atomic_set(vgpu.released, 0);
  return 0;
}

function* intel_vgpu_close_device(device: VfioDevice): Operation {
  const vgpu = device as IntelVgpu;
  if (!(yield* load(vgpu.attached))) return;
  if ((yield* atomic_cmpxchg(vgpu.released, 0, 1)) !== 0) return;
  yield* gvt_cache_destroy(vgpu, (gfn) => gvt_dma_unmap_page(vgpu, gfn));
  yield* store(vgpu.attached, false);
}

export const intel_vgpu_dev_ops: NotifiedOps = {
  open_device: intel_vgpu_open_device,
  close_device: intel_vgpu_close_device,
  dma_unmap: intel_vgpu_dma_unmap,
};

/** The guest makes a page known to the graphics device. @returns 0, or a negative errno */
export function* intel_gvt_dma_map_guest_page(vgpu: IntelVgpu, gfn: number, pools: PinPools): Operation<number> {
  if (!(yield* load(vgpu.attached))) return -EINVAL;
  yield* mutex_lock(vgpu.cache_lock);
  const entry = yield* __gvt_cache_find_gfn(vgpu, gfn);
  let ret = 0;
  if (entry !== undefined) yield* kref_get(entry.ref);
  else {
    ret = yield* gvt_dma_map_page(vgpu, gfn, pools);
    if (ret === 0) yield* __gvt_cache_add(vgpu, gfn, pools.gvt_dma);
  }
  yield* mutex_unlock(vgpu.cache_lock);
  return ret;
}
