/**
 * Not of the kernel: a driver of a mediated device in the manner of kvmgt. While the device is open it pins what its guest
 * has programmed, and keeps a book of it under a lock of its own, which it also holds around its calls of VFIO. Told of an
 * unmap it unpins what the range covers. At its close it unpins all, and only then stops being told.
 */
import type { Operation } from '../../../actors/step.ts';
import { load, store } from '../../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../../actors/sync/mutex.ts';
import { type Callbacks, NOTIFY_OK } from '../../../actors/sync/notifier.ts';
import { ENODEV } from '../../../actors/vfio/errno.ts';
import * as v4_19 from '../../../actors/vfio/v4.19/index.ts';
import { handleAt, type HandleTo, struct } from '../../../machines/object.ts';
import { field } from '../../../machines/sync/field.ts';
import { mutex } from '../../../machines/sync/mutex.ts';
import { notifier_block } from '../../../machines/sync/notifier.ts';
import type { VfioGroup } from '../../../machines/vfio/v4.19/index.ts';

export const vendor = struct('vendor', {
  cache_lock: mutex(),
  active: field<boolean>(false),
  /** The numbers of the pages that it has pinned, each once. */
  cache: field<readonly number[]>([]),
  nb: notifier_block('vendor_dma_unmap'),
});
export interface Vendor extends HandleTo<typeof vendor> {}

/** The calls of VFIO that it makes, of whichever era. Its group is found, and stays. */
export type VendorCalls = Pick<typeof v4_19, 'pinOfGroup' | 'unpinOfGroup'>;

/** The guest programs the device to use that page. @returns 0, or a negative errno */
export function* vendor_map_page(
  core: v4_19.Core,
  vendor: Vendor,
  group: VfioGroup,
  iova: number,
  calls: VendorCalls = v4_19,
): Operation<number> {
  yield* mutex_lock(vendor.cache_lock);
  const ret = (yield* load(vendor.active)) ? yield* pinsOnce(core, vendor, group, iova, calls) : -ENODEV;
  yield* mutex_unlock(vendor.cache_lock);
  return ret;
}

/** Under cache_lock. */
export function* pinsOnce(
  core: v4_19.Core,
  vendor: Vendor,
  group: VfioGroup,
  iova: number,
  { pinOfGroup }: VendorCalls = v4_19,
): Operation<number> {
  const cache = yield* load(vendor.cache);
  if (cache.includes(iova)) return 0;
  const ret = yield* pinOfGroup(core, group, [iova]);
  if (ret < 0) return ret;
  yield* store(
    vendor.cache,
    [...cache, iova].toSorted((a, b) => a - b),
  );
  return 0;
}

/** Under cache_lock. */
export function* unpinsWithin(
  core: v4_19.Core,
  vendor: Vendor,
  group: VfioGroup,
  isWithin: (iova: number) => boolean,
  { unpinOfGroup }: VendorCalls = v4_19,
): Operation {
  const cache = yield* load(vendor.cache);
  for (const iova of cache.filter(isWithin)) {
    yield* unpinOfGroup(core, group, [iova]);
    yield* store(
      vendor.cache,
      (yield* load(vendor.cache)).filter((other) => other !== iova),
    );
  }
}

/** The guest lets go of that page. */
export function* vendor_unmap_page(
  core: v4_19.Core,
  vendor: Vendor,
  group: VfioGroup,
  iova: number,
  calls: VendorCalls = v4_19,
): Operation {
  yield* mutex_lock(vendor.cache_lock);
  yield* unpinsWithin(core, vendor, group, (other) => other === iova, calls);
  yield* mutex_unlock(vendor.cache_lock);
}

/** What the name in the notifier block of a vendor stands for. */
export const vendorCallbacks = (core: v4_19.Core, group: VfioGroup, calls: VendorCalls = v4_19) => ({
  *vendor_dma_unmap(...[nb, _action, data]: Parameters<Callbacks[string]>): Operation<number> {
    const { iova, size } = data as v4_19.DmaUnmap;
    const vendor = handleAt<Vendor>(nb.path.slice(0, nb.path.lastIndexOf('.')));
    yield* mutex_lock(vendor.cache_lock);
    yield* unpinsWithin(core, vendor, group, (other) => other >= iova && other < iova + size, calls);
    yield* mutex_unlock(vendor.cache_lock);
    return NOTIFY_OK;
  },
});

export const vendorOps = (core: v4_19.Core, vendor: Vendor, group: VfioGroup): v4_19.VfioDeviceOps => ({
  *open() {
    const ret = yield* v4_19.vfio_register_iommu_notifier(core, group, v4_19.VFIO_IOMMU_NOTIFY_DMA_UNMAP, vendor.nb);
    if (ret !== 0) return ret;
    yield* mutex_lock(vendor.cache_lock);
    yield* store(vendor.active, true);
    yield* mutex_unlock(vendor.cache_lock);
    return 0;
  },
  *release() {
    yield* mutex_lock(vendor.cache_lock);
    yield* store(vendor.active, false);
    yield* unpinsWithin(core, vendor, group, () => true);
    yield* mutex_unlock(vendor.cache_lock);
    yield* v4_19.vfio_unregister_iommu_notifier(core, group, vendor.nb);
  },
});
