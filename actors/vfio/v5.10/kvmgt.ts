/**
 * drivers/gpu/drm/i915/gvt/kvmgt.c, v5.10: from its open on it holds its group as an external user does, and lets go of it at
 * the end of the release, which else is that of v4.19.
 *
 * Left out beyond what v4.19 leaves out: the reference to its own module; that it pins by the group and no longer by the
 * device, which spares it a user of the container for each pin.
 */
import { NULL } from '../../../machines/object.ts';
import type { IntelVgpu } from '../../../machines/vfio/v4.19/kvmgt.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { atomic_cmpxchg } from '../../sync/atomic.ts';
import { load, store } from '../../sync/memory.ts';
import { type Kvmgt, kvmgt_guest_exit, unregistersBoth } from '../v4.19/kvmgt.ts';

type PutExternalUser = () => Operation;

export const intel_vgpu_release = (vfio_group_put_external_user: PutExternalUser) =>
  function* __intel_vgpu_release(vgpu: IntelVgpu, its: Kvmgt): Operation {
    if (isNull(yield* load(vgpu.handle))) return;
    if ((yield* atomic_cmpxchg(vgpu.released, 0, 1)) !== 0) return;
    yield* unregistersBoth(vgpu, its);
    const info = yield* follow(vgpu.handle);
    yield* kvmgt_guest_exit(info, its);
    yield* vfio_group_put_external_user();
    yield* store(vgpu.kvm, NULL);
    yield* store(vgpu.handle, NULL);
  };
