/**
 * struct intel_vgpu (drivers/gpu/drm/i915/gvt/gvt.h, v6.1) with the struct vfio_device in it, and what it has pinned.
 *
 * Left out: the graphics device behind it; the second tree over the same entries, by DMA address; the KVM that it follows.
 */
import { type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field } from '../../sync/field.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { vfio_device } from './vfio.ts';

export const intel_vgpu = struct('intel_vgpu', {
  ...vfio_device.parts,
  attached: field<boolean>(false),
  released: atomic(),
  cache_lock: mutex(),
  gfn_cache: list_head(),
});
export interface IntelVgpu extends HandleTo<typeof intel_vgpu> {}

/** A guest page that is pinned and mapped for the graphics device. */
export const gvt_dma = struct('gvt_dma', { gfn_node: list_node(), gfn: field<number>(0), ref: kref() });
export interface GvtDma extends HandleTo<typeof gvt_dma> {}
