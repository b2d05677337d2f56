/** Providers that nobody posted, and that the interface allows: they do not hold themselves while a device of theirs is open. */
import type { Operation } from '../../../actors/step.ts';
import { load } from '../../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../../actors/sync/mutex.ts';
import * as rfc from '../../../actors/vfio/rfc-2019-12/index.ts';
import { kfree } from '../../../actors/step.ts';
import { type HandleTo, struct } from '../../../machines/object.ts';
import { field } from '../../../machines/sync/field.ts';
import type { MediateProvider } from '../../../machines/vfio/rfc-2019-12/index.ts';

/** It takes each device, lets everything through, and has no release, which the ops need not have. */
export const without_release: rfc.VfioPciMediateOps = {
  *open() {
    return { ret: 0, caps: 0, handle: 0 };
  },
  *rw() {
    return rfc.passedThrough;
  },
};

export const unpinned: rfc.VfioPciMediateOps = { ...without_release, *release() {} };

/** What a driver has allocated for the device to which it is bound, and frees when it is unbound. */
export const bound_state = struct('bound_state', { dirty_log: field<number>(0) });
export interface BoundState extends HandleTo<typeof bound_state> {}

function* state_rw(state: BoundState): Operation<rfc.Handled> {
  yield* load(state.dirty_log);
  return rfc.passedThrough;
}

/** It looks at what belongs to its own device. */
export const with_state = (state: BoundState): rfc.VfioPciMediateOps => ({ ...unpinned, rw: () => state_rw(state) });

/** Its device is unbound: the last that the driver does is to free what it had for it. */
export function* state_remove(driver: rfc.VfioPciDriver, self: MediateProvider, state: BoundState): Operation {
  yield* driver.design.unregister(driver, self);
  yield* kfree(state);
}

/* ---- a provider with a lock of its own ---- */

function* locked_open({ device_bit_lock }: MediateProvider): Operation<{ ret: number; caps: number; handle: number }> {
  yield* mutex_lock(device_bit_lock);
  yield* mutex_unlock(device_bit_lock);
  return { ret: 0, caps: 0, handle: 0 };
}

export const with_lock = (self: MediateProvider): rfc.VfioPciMediateOps => ({ ...unpinned, open: () => locked_open(self) });

/** It keeps its lock over the unregistration, so that nobody opens a device while it leaves. */
export function* locked_remove(driver: rfc.VfioPciDriver, self: MediateProvider): Operation {
  yield* mutex_lock(self.device_bit_lock);
  yield* driver.design.unregister(driver, self);
  yield* mutex_unlock(self.device_bit_lock);
}

/** The lock is for its own state alone. */
export function* unlocked_remove(driver: rfc.VfioPciDriver, self: MediateProvider): Operation {
  yield* driver.design.unregister(driver, self);
  yield* mutex_lock(self.device_bit_lock);
  yield* mutex_unlock(self.device_bit_lock);
}
