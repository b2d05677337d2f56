/**
 * struct intel_vgpu (drivers/gpu/drm/i915/gvt/gvt.h, v6.1) with the struct vfio_device in it, and what it has pinned.
 *
 * Left out: the graphics device behind it; the second tree over the same entries, by DMA address; the KVM that it follows.
 */
import { type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field } from '../../sync/field.ts';
import { list_head } from '../../sync/list.ts';
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

export { gvt_dma, type GvtDma } from '../v4.19/kvmgt.ts';
