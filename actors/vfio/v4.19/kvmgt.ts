/**
 * drivers/gpu/drm/i915/gvt/kvmgt.c, v4.19: a driver of mediated devices that pins guest pages for its graphics device as the
 * guest maps them. It hears of unmaps and of KVM by notifiers that it registers when its device is opened; it is closed with
 * the file of the device, or by a work item when KVM goes first.
 *
 * Left out: the DMA mappings of the graphics device, for which a page is pinned, and the tree of them by DMA address; pages
 * of other sizes; the table of write-protected pages, so that each tracked write is to one of them; start and stop of the
 * graphics device; that one machine has one vGPU; whose address space KVM has; eventfds and debugfs; failing allocations.
 */
import { handleAt, type Handle, NULL } from '../../../machines/object.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Workqueue } from '../../../machines/sync/work.ts';
import type { GvtDma, IntelVgpu, KvmgtGuestInfo, TrackedKvm } from '../../../machines/vfio/v4.19/kvmgt.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { kfree, kzalloc, type Operation, WARN, WARN_ON } from '../../step.ts';
import { atomic_cmpxchg, atomic_set } from '../../sync/atomic.ts';
import { kref_get } from '../../sync/kref.ts';
import { list_add_rcu, list_del_rcu, list_empty, list_for_each_entry_rcu } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { NOTIFY_OK } from '../../sync/notifier.ts';
import { srcu_read_lock, srcu_read_unlock, synchronize_srcu } from '../../sync/rcu.ts';
import { spin_lock, spin_unlock } from '../../sync/spinlock.ts';
import { queue_work, type WorkFunctions } from '../../sync/work.ts';
import { EINVAL, ESRCH } from '../errno.ts';
import { __gvt_cache_add, __gvt_cache_find_gfn, __gvt_cache_remove_entry, gvt_cache_destroy } from './kvmgt-cache.ts';
import { kvm_get_kvm, kvm_put_kvm } from './kvm_main.ts';
import type { VfioNotifyType } from './vfio.ts';

type Block = Handle<Field<string>>;

/** What it calls of VFIO, for its device, and the memory that it allocates from. */
export interface Kvmgt {
  readonly vfio_pin_pages: (gfn: number) => Operation<number>;
  readonly vfio_unpin_pages: (gfn: number) => Operation<number>;
  readonly vfio_register_notifier: (type: VfioNotifyType, nb: Block) => Operation<number>;
  readonly vfio_unregister_notifier: (type: VfioNotifyType, nb: Block) => Operation<number>;
  readonly gvt_dma?: GvtDma;
  readonly kvmgt_guest_info?: KvmgtGuestInfo;
  /** Where schedule_work() puts its items. */
  readonly system_wq?: Handle<Workqueue>;
}

function needed<K extends 'gvt_dma' | 'kvmgt_guest_info' | 'system_wq'>(its: Kvmgt, name: K): NonNullable<Kvmgt[K]> {
  const it = its[name];
  if (it === undefined) throw new TypeError(`no ${name} is given`);
  return it;
}

/* ---- pins ---- */

function* gvt_unpin_guest_page(its: Kvmgt, gfn: number): Operation {
  const ret = yield* its.vfio_unpin_pages(gfn);
  yield* WARN_ON(ret !== 1, 'ret != 1');
}

function* gvt_pin_guest_page(its: Kvmgt, gfn: number): Operation<number> {
  const ret = yield* its.vfio_pin_pages(gfn);
  return ret === 1 ? 0 : ret;
}

/* The mapping that is made after the pin, and undone before the unpin, is that of the graphics device. */
const gvt_dma_map_page = gvt_pin_guest_page;
export const gvt_dma_unmap_page = gvt_unpin_guest_page;

/** The guest makes a page known to the graphics device. @returns 0, or a negative errno */
export function* kvmgt_dma_map_guest_page(vgpu: IntelVgpu, gfn: number, its: Kvmgt): Operation<number> {
  if (isNull(yield* load(vgpu.handle))) return -EINVAL;
  yield* mutex_lock(vgpu.cache_lock);
  const entry = yield* __gvt_cache_find_gfn(vgpu, gfn);
  let ret = 0;
  if (entry !== undefined) yield* kref_get(entry.ref);
  else {
    ret = yield* gvt_dma_map_page(its, gfn);
    if (ret === 0) yield* __gvt_cache_add(vgpu, gfn, needed(its, 'gvt_dma'));
  }
  yield* mutex_unlock(vgpu.cache_lock);
  return ret;
}

/* ---- arch/x86/kvm/page_track.c ---- */

function* kvm_page_track_register_notifier(kvm: TrackedKvm, info: KvmgtGuestInfo): Operation {
  yield* spin_lock(kvm.mmu_lock);
  yield* list_add_rcu(info.track_node, kvm.track_notifier_list);
  yield* spin_unlock(kvm.mmu_lock);
}

export function* kvm_page_track_unregister_notifier(kvm: TrackedKvm, info: KvmgtGuestInfo): Operation {
  yield* spin_lock(kvm.mmu_lock);
  yield* list_del_rcu(info.track_node, kvm.track_notifier_list);
  yield* spin_unlock(kvm.mmu_lock);
  yield* synchronize_srcu(kvm.track_srcu);
}

/** A vCPU writes to a page that is tracked: an entry of a page table of the graphics device, which gets `gfn` into it. */
export function* kvm_page_track_write(kvm: TrackedKvm, gfn: number, its: Kvmgt): Operation<number> {
  if (yield* list_empty(kvm.track_notifier_list)) return 0;
  yield* srcu_read_lock(kvm.track_srcu);
  const ret = yield* list_for_each_entry_rcu<KvmgtGuestInfo, number>(
    kvm.track_notifier_list,
    'track_node',
    function* kvmgt_page_track_write(info) {
      return yield* kvmgt_dma_map_guest_page((yield* load(info.vgpu)) as IntelVgpu, gfn, its);
    },
  );
  yield* srcu_read_unlock(kvm.track_srcu);
  return ret ?? 0;
}

/* ---- notifiers ---- */

/** What the names in the notifier blocks stand for. */
export const kvmgtCallbacks = (its: Kvmgt) => ({
  *intel_vgpu_iommu_notifier(nb: Block, _action: number, data: unknown): Operation<number> {
    const unmap = data as { readonly iova: number; readonly size: number };
    const vgpu = vgpuOf(nb);
    yield* mutex_lock(vgpu.cache_lock);
    for (let iov_pfn = unmap.iova; iov_pfn < unmap.iova + unmap.size; iov_pfn++) {
      const entry = yield* __gvt_cache_find_gfn(vgpu, iov_pfn);
      if (entry === undefined) continue;
      yield* gvt_dma_unmap_page(its, yield* load(entry.gfn));
      yield* __gvt_cache_remove_entry(vgpu, entry);
    }
    yield* mutex_unlock(vgpu.cache_lock);
    return NOTIFY_OK;
  },
  *intel_vgpu_group_notifier(nb: Block, _action: number, data: unknown): Operation<number> {
    const vgpu = vgpuOf(nb);
    const kvm = data as TrackedKvm | typeof NULL;
    yield* store(vgpu.kvm, kvm);
    // It cannot unregister here: it is called under the lock of the chain.
    if (isNull(kvm)) yield* queue_work(needed(its, 'system_wq'), vgpu.release_work);
    return NOTIFY_OK;
  },
});

const vgpuOf = ({ path }: Block): IntelVgpu => handleAt<IntelVgpu>(path.slice(0, path.lastIndexOf('.')));

/* ---- open and release ---- */

export function* kvmgt_guest_init(vgpu: IntelVgpu, its: Kvmgt): Operation<number> {
  if (!isNull(yield* load(vgpu.handle))) return -EEXIST;
  const kvm = yield* load(vgpu.kvm);
  if (isNull(kvm)) return -ESRCH;
  const info = yield* kzalloc(needed(its, 'kvmgt_guest_info'));
  yield* store(vgpu.handle, info);
  yield* store(info.vgpu, vgpu);
  yield* store(info.kvm, kvm);
  yield* kvm_get_kvm(kvm);
  yield* kvm_page_track_register_notifier(kvm, info);
  return 0;
}

export function* kvmgt_guest_exit(info: KvmgtGuestInfo, its: Kvmgt): Operation {
  const kvm = yield* follow(info.kvm);
  yield* kvm_page_track_unregister_notifier(kvm, info);
  yield* kvm_put_kvm(kvm, {});
  yield* gvt_cache_destroy((yield* load(info.vgpu)) as IntelVgpu, (gfn) => gvt_dma_unmap_page(its, gfn));
  yield* kfree(info);
}

export function* intel_vgpu_open(vgpu: IntelVgpu, its: Kvmgt): Operation<number> {
  let ret = yield* its.vfio_register_notifier('VFIO_IOMMU_NOTIFY', vgpu.iommu_notifier);
  if (ret !== 0) return ret;
  ret = yield* its.vfio_register_notifier('VFIO_GROUP_NOTIFY', vgpu.group_notifier);
  if (ret === 0) {
    ret = yield* kvmgt_guest_init(vgpu, its);
    if (ret === 0) {
      yield* atomic_set(vgpu.released, 0);
      return 0;
    }
    yield* its.vfio_unregister_notifier('VFIO_GROUP_NOTIFY', vgpu.group_notifier);
  }
  yield* its.vfio_unregister_notifier('VFIO_IOMMU_NOTIFY', vgpu.iommu_notifier);
  return ret;
}

export function* unregistersBoth(vgpu: IntelVgpu, its: Kvmgt): Operation {
  let ret = yield* its.vfio_unregister_notifier('VFIO_IOMMU_NOTIFY', vgpu.iommu_notifier);
  yield* WARN(ret !== 0, `vfio_unregister_notifier for iommu failed: ${ret}`);
  ret = yield* its.vfio_unregister_notifier('VFIO_GROUP_NOTIFY', vgpu.group_notifier);
  yield* WARN(ret !== 0, `vfio_unregister_notifier for group failed: ${ret}`);
}

/** Whoever comes second returns at once. */
function* __intel_vgpu_release(vgpu: IntelVgpu, its: Kvmgt): Operation {
  if (isNull(yield* load(vgpu.handle))) return;
  if ((yield* atomic_cmpxchg(vgpu.released, 0, 1)) !== 0) return;
  yield* unregistersBoth(vgpu, its);
  const info = yield* follow(vgpu.handle);
  yield* kvmgt_guest_exit(info, its);
  yield* store(vgpu.kvm, NULL);
  yield* store(vgpu.handle, NULL);
}

export const intel_vgpu_release = (vgpu: IntelVgpu, its: Kvmgt): Operation => __intel_vgpu_release(vgpu, its);

/** To be run by a `worker_thread` on the queue. */
export const kvmgtWork = (its: Kvmgt, release = __intel_vgpu_release): WorkFunctions => ({
  *intel_vgpu_release_work(object) {
    yield* release(handleAt<IntelVgpu>(object.path), its);
  },
});
