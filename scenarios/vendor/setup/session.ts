/**
 * Not of the kernel: a driver of mediated devices that keeps what belongs to one open of its device, the book of its pins
 * with its lock, in memory that its open allocates and its release frees. In v11 vfio_mdev tells it of unmaps; from v4.10 on
 * it registers itself. Without pins, as the sample mtty, it needs neither.
 */
import { kfree, kzalloc, type Operation } from '../../../actors/step.ts';
import { load, store } from '../../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../../actors/sync/mutex.ts';
import { type Callbacks, NOTIFY_OK } from '../../../actors/sync/notifier.ts';
import type { Notifiers, ParentOps, Unmap } from '../../../actors/vfio/rfc-2016-11/index.ts';
import { handleAt, type HandleTo, NULL, struct } from '../../../machines/object.ts';
import { field } from '../../../machines/sync/field.ts';
import { mutex } from '../../../machines/sync/mutex.ts';
import { notifier_block } from '../../../machines/sync/notifier.ts';
import type { MdevDevice } from '../../../machines/vfio/rfc-2016-11/index.ts';

export const session = struct('session', {
  cache_lock: mutex(),
  /** The numbers of the pages that are pinned, each once. */
  cache: field<readonly number[]>([]),
  nb: notifier_block('session_notifier'),
});
export interface Session extends HandleTo<typeof session> {}

export interface Pins {
  readonly vfio_pin_pages: (gfn: number) => Operation<number>;
  readonly vfio_unpin_pages: (gfn: number) => Operation<number>;
}

const sessionOf = function* (mdev: MdevDevice): Operation<Session> {
  return (yield* load(mdev.driver_data)) as Session;
};

function* unpins({ cache_lock, cache }: Session, isWithin: (gfn: number) => boolean, { vfio_unpin_pages }: Pins): Operation {
  yield* mutex_lock(cache_lock);
  const all = yield* load(cache);
  for (const gfn of all.filter(isWithin)) yield* vfio_unpin_pages(gfn);
  yield* store(
    cache,
    all.filter((gfn) => !isWithin(gfn)),
  );
  yield* mutex_unlock(cache_lock);
}
const within =
  ({ iova, size }: Unmap) =>
  (gfn: number) =>
    gfn >= iova && gfn < iova + size;

function* begins(mdev: MdevDevice, from: Session): Operation<Session> {
  const its = yield* kzalloc(from);
  yield* store(mdev.driver_data, its);
  return its;
}

function* ends(mdev: MdevDevice, its: Session): Operation {
  yield* kfree(its);
  yield* store(mdev.driver_data, NULL);
}

/** The guest has a page programmed into the device. */
export function* maps(mdev: MdevDevice, gfn: number, { vfio_pin_pages }: Pins): Operation<number> {
  const { cache_lock, cache } = yield* sessionOf(mdev);
  yield* mutex_lock(cache_lock);
  const ret = yield* vfio_pin_pages(gfn);
  if (ret === 1) yield* store(cache, [...(yield* load(cache)), gfn]);
  yield* mutex_unlock(cache_lock);
  return ret;
}

/** As v11 has it. */
export const toldByVfioMdev = (from: Session, pins: Pins): ParentOps => ({
  *open(mdev) {
    yield* begins(mdev, from);
    return 0;
  },
  *release(mdev) {
    const its = yield* sessionOf(mdev);
    yield* unpins(its, () => true, pins);
    yield* ends(mdev, its);
  },
  *notifier(mdev, unmap) {
    yield* unpins(yield* sessionOf(mdev), within(unmap), pins);
  },
});

/** As merged: it asks to be told when it can be, and stops before it cannot be any more. */
export const registersItself = (from: Session, pins: Pins, vfio: Notifiers): ParentOps => ({
  *open(mdev) {
    const its = yield* begins(mdev, from);
    const ret = yield* vfio.vfio_register_notifier(its.nb);
    if (ret !== 0) yield* ends(mdev, its);
    return ret;
  },
  *release(mdev) {
    const its = yield* sessionOf(mdev);
    yield* unpins(its, () => true, pins);
    yield* vfio.vfio_unregister_notifier(its.nb);
    yield* ends(mdev, its);
  },
});

/** What the name in the notifier block of a session stands for. */
export const sessionCallbacks = (pins: Pins): Callbacks => ({
  *session_notifier(nb, _action, data) {
    const its = handleAt<Session>(nb.path.slice(0, nb.path.lastIndexOf('.')));
    yield* unpins(its, within(data as Unmap), pins);
    return NOTIFY_OK;
  },
});
