/** drivers/gpu/drm/i915/gvt/kvmgt.c of v4.19 as it could be. It is in no kernel. */
import { NULL } from '../../../machines/object.ts';
import type { IntelVgpu } from '../../../machines/vfio/v4.19/kvmgt.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { kfree, type Operation } from '../../step.ts';
import { atomic_cmpxchg } from '../../sync/atomic.ts';
import { load, store } from '../../sync/memory.ts';
import { flush_work } from '../../sync/work.ts';
import { gvt_cache_destroy } from '../v4.19/kvmgt-cache.ts';
import { kvm_put_kvm } from '../v4.19/kvm_main.ts';
import {
  gvt_dma_unmap_page,
  intel_vgpu_release,
  kvm_page_track_unregister_notifier,
  type Kvmgt,
  unregistersBoth,
} from '../v4.19/kvmgt.ts';

/**
 * The order of a close since v6.0: nobody can pin any more, then nothing is pinned any more, and only then is the driver no
 * longer told of unmaps.
 */
export function* release_unpinning_first(vgpu: IntelVgpu, its: Kvmgt): Operation {
  if (isNull(yield* load(vgpu.handle))) return;
  if ((yield* atomic_cmpxchg(vgpu.released, 0, 1)) !== 0) return;
  const info = yield* follow(vgpu.handle);
  const kvm = yield* follow(info.kvm);
  yield* kvm_page_track_unregister_notifier(kvm, info);
  yield* gvt_cache_destroy(vgpu, (gfn) => gvt_dma_unmap_page(its, gfn));
  yield* unregistersBoth(vgpu, its);
  yield* kvm_put_kvm(kvm, {});
  yield* kfree(info);
  yield* store(vgpu.kvm, NULL);
  yield* store(vgpu.handle, NULL);
}

/** For the close of the device: it does not return while the work item is at the same. */
export function* release_flushing_work(vgpu: IntelVgpu, its: Kvmgt): Operation {
  yield* intel_vgpu_release(vgpu, its);
  if (its.system_wq !== undefined) yield* flush_work(its.system_wq, vgpu.release_work);
}
