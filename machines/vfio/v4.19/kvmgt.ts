/**
 * The structs of drivers/gpu/drm/i915/gvt/kvmgt.c and gvt.h, v4.19: a vGPU, what it has of the guest that uses it, and what
 * is pinned for it. With them what kvmgt needs of a struct kvm beyond its references: the list of who tracks writes to pages.
 *
 * `vgpu->vdev` is part of the vGPU here. Left out: the graphics device; the second tree over the same entries, by DMA
 * address; the table of the pages that are write-protected.
 */
import { type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { notifier_block } from '../../sync/notifier.ts';
import { srcu_struct } from '../../sync/rcu.ts';
import { spinlock } from '../../sync/spinlock.ts';
import { work_struct } from '../../sync/work.ts';
import { kvm } from '../kvm.ts';

export const tracked_kvm = struct('kvm', {
  ...kvm.parts,
  mmu_lock: spinlock(),
  /** The two parts of `arch.track_notifier_head`. */
  track_srcu: srcu_struct(),
  track_notifier_list: list_head(),
});
export interface TrackedKvm extends HandleTo<typeof tracked_kvm> {}

export const kvmgt_guest_info = struct('kvmgt_guest_info', {
  kvm: pointer<TrackedKvm>(),
  /** The vGPU, which points back. */
  vgpu: pointer<{ readonly path: string }>(),
  track_node: list_node(),
});
export interface KvmgtGuestInfo extends HandleTo<typeof kvmgt_guest_info> {}

/** A guest page that is pinned and mapped for the graphics device. */
export const gvt_dma = struct('gvt_dma', { gfn_node: list_node(), gfn: field<number>(0), ref: kref() });
export interface GvtDma extends HandleTo<typeof gvt_dma> {}

export const intel_vgpu = struct('intel_vgpu', {
  /** NULL while it is closed. */
  handle: pointer<KvmgtGuestInfo>(),
  released: atomic(),
  cache_lock: mutex(),
  gfn_cache: list_head(),
  iommu_notifier: notifier_block('intel_vgpu_iommu_notifier'),
  group_notifier: notifier_block('intel_vgpu_group_notifier'),
  kvm: pointer<TrackedKvm>(),
  release_work: work_struct('intel_vgpu_release_work'),
});
export interface IntelVgpu extends HandleTo<typeof intel_vgpu> {}
