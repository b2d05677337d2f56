/** drivers/gpu/drm/i915/gvt/kvmgt.c, v4.19 to v6.1: the book of a vGPU of what is pinned for it. */
import type { Handle } from '../../../machines/object.ts';
import type { ListHead } from '../../../machines/sync/list.ts';
import type { Mutex } from '../../../machines/sync/mutex.ts';
import type { GvtDma } from '../../../machines/vfio/v4.19/kvmgt.ts';
import { isNull } from '../../driver-core/pointer.ts';
import { again, type Again, kfree, kzalloc, loop, type Operation } from '../../step.ts';
import { kref_init } from '../../sync/kref.ts';
import { list_add_tail, list_del, list_first_entry_or_null, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';

/** A vGPU of any era. */
export interface GvtCache {
  readonly cache_lock: Handle<Mutex>;
  readonly gfn_cache: Handle<ListHead>;
}

export const __gvt_cache_find_gfn = (vgpu: GvtCache, gfn: number): Operation<GvtDma | undefined> =>
  list_for_each_entry<GvtDma, GvtDma | undefined>(vgpu.gfn_cache, 'gfn_node', function* (entry) {
    return (yield* load(entry.gfn)) === gfn ? entry : undefined;
  });

export function* __gvt_cache_add(vgpu: GvtCache, gfn: number, from: GvtDma): Operation {
  const entry = yield* kzalloc(from);
  yield* store(entry.gfn, gfn);
  yield* kref_init(entry.ref);
  yield* list_add_tail(entry.gfn_node, vgpu.gfn_cache);
}

export function* __gvt_cache_remove_entry(vgpu: GvtCache, entry: GvtDma): Operation {
  yield* list_del(entry.gfn_node, vgpu.gfn_cache);
  yield* kfree(entry);
}

/** One at a time, so that others get in between. */
export function* gvt_cache_destroy(vgpu: GvtCache, gvt_dma_unmap_page: (gfn: number) => Operation): Operation {
  yield* loop(null, function* (): Operation<true | Again<null>> {
    yield* mutex_lock(vgpu.cache_lock);
    const entry = yield* list_first_entry_or_null<GvtDma>(vgpu.gfn_cache);
    if (isNull(entry)) {
      yield* mutex_unlock(vgpu.cache_lock);
      return true;
    }
    yield* gvt_dma_unmap_page(yield* load(entry.gfn));
    yield* __gvt_cache_remove_entry(vgpu, entry);
    yield* mutex_unlock(vgpu.cache_lock);
    return again(null);
  });
}
