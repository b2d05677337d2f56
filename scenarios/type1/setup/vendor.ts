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

/** The calls of VFIO that it makes, of whichever era. */
export interface VendorCalls {
  readonly vfio_pin_pages: (group: VfioGroup, user_pfn: readonly number[], type1: v4_19.Type1) => Operation<number>;
  readonly vfio_unpin_pages: (group: VfioGroup, user_pfn: readonly number[]) => Operation<number>;
}

const vfio: VendorCalls = { vfio_pin_pages: v4_19.vfio_pin_pages, vfio_unpin_pages: v4_19.vfio_unpin_pages };

/** The guest programs the device to use that page. @returns 0, or a negative errno */
export function* vendor_map_page(
  vendor: Vendor,
  group: VfioGroup,
  iova: number,
  type1: v4_19.Type1,
  { vfio_pin_pages }: VendorCalls = vfio,
): Operation<number> {
  yield* mutex_lock(vendor.cache_lock);
  const ret = (yield* load(vendor.active)) ? yield* pinsOnce(vendor, group, iova, type1, vfio_pin_pages) : -ENODEV;
  yield* mutex_unlock(vendor.cache_lock);
  return ret;
}

function* pinsOnce(
  vendor: Vendor,
  group: VfioGroup,
  iova: number,
  type1: v4_19.Type1,
  vfio_pin_pages: VendorCalls['vfio_pin_pages'],
): Operation<number> {
  const cache = yield* load(vendor.cache);
  if (cache.includes(iova)) return 0;
  const ret = yield* vfio_pin_pages(group, [iova], type1);
  if (ret < 0) return ret;
  yield* store(
    vendor.cache,
    [...cache, iova].toSorted((a, b) => a - b),
  );
  return 0;
}

/** Under cache_lock. */
function* unpinsWithin(
  vendor: Vendor,
  group: VfioGroup,
  isWithin: (iova: number) => boolean,
  { vfio_unpin_pages }: VendorCalls,
): Operation {
  const cache = yield* load(vendor.cache);
  for (const iova of cache.filter(isWithin)) {
    yield* vfio_unpin_pages(group, [iova]);
    yield* store(
      vendor.cache,
      (yield* load(vendor.cache)).filter((other) => other !== iova),
    );
  }
}

/** The guest lets go of that page. */
export function* vendor_unmap_page(vendor: Vendor, group: VfioGroup, iova: number, calls: VendorCalls = vfio): Operation {
  yield* mutex_lock(vendor.cache_lock);
  yield* unpinsWithin(vendor, group, (other) => other === iova, calls);
  yield* mutex_unlock(vendor.cache_lock);
}

/** What the name in the notifier block of a vendor stands for. */
export const vendorCallbacks = (group: VfioGroup, calls: VendorCalls = vfio): Callbacks => ({
  *vendor_dma_unmap(nb, _action, data) {
    const { iova, size } = data as v4_19.DmaUnmap;
    const vendor = handleAt<Vendor>(nb.path.slice(0, nb.path.lastIndexOf('.')));
    yield* mutex_lock(vendor.cache_lock);
    yield* unpinsWithin(vendor, group, (other) => other >= iova && other < iova + size, calls);
    yield* mutex_unlock(vendor.cache_lock);
    return NOTIFY_OK;
  },
});

export const vendorOps = (vendor: Vendor, group: VfioGroup): v4_19.VfioDeviceOps => ({
  *open() {
    const ret = yield* v4_19.vfio_register_notifier(group, vendor.nb);
    if (ret !== 0) return ret;
    yield* mutex_lock(vendor.cache_lock);
    yield* store(vendor.active, true);
    yield* mutex_unlock(vendor.cache_lock);
    return 0;
  },
  *release() {
    yield* mutex_lock(vendor.cache_lock);
    yield* store(vendor.active, false);
    yield* unpinsWithin(vendor, group, () => true, vfio);
    yield* mutex_unlock(vendor.cache_lock);
    yield* v4_19.vfio_unregister_notifier(group, vendor.nb);
  },
});
