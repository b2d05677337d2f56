/**
 * include/linux/refcount.h: the calls on a refcount_t.
 *
 * What they order is that of Documentation/core-api/refcount-vs-atomic.rst: increments nothing, decrements release, and
 * the one that comes to 0 acquires, so that who frees the object comes after all who have put it. The control dependency
 * of those that may fail orders later stores of the same CPU alone.
 */
import type { Handle } from '../../machines/object.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import type { Refcount } from '../../machines/sync/refcount.ts';
import { access, type Meaning, type Operation } from '../step.ts';
import { mutex_lock, mutex_unlock } from './mutex.ts';

export const lastPut: Meaning = { kind: 'put', orders: { true: 'both', false: 'release' } };

export const refcount_read = access<Refcount, 'refcount_read'>('read', 'refcount_read');
const set = access<Refcount, 'refcount_set'>('write', 'refcount_set');
export const refcount_set = (r: Parameters<typeof set>[0], n: number) => set(r, { n });
export const refcount_inc = access<Refcount, 'refcount_inc'>('get', 'refcount_inc');
export const refcount_inc_not_zero = access<Refcount, 'refcount_inc_not_zero'>('get', 'refcount_inc_not_zero');
export const refcount_dec = access<Refcount, 'refcount_dec'>({ kind: 'put', orders: 'release' }, 'refcount_dec');
export const refcount_dec_and_test = access<Refcount, 'refcount_dec_and_test'>(lastPut, 'refcount_dec_and_test');
export const refcount_dec_not_one = access<Refcount, 'refcount_dec_not_one'>(
  { kind: 'put', orders: { true: 'release' } },
  'refcount_dec_not_one',
);

/** @returns whether that was the last reference; the mutex is then held */
export function* refcount_dec_and_mutex_lock(r: Handle<Refcount>, lock: Handle<Mutex>): Operation<boolean> {
  if (yield* refcount_dec_not_one(r)) return false;
  yield* mutex_lock(lock);
  if (yield* refcount_dec_and_test(r)) return true;
  yield* mutex_unlock(lock);
  return false;
}
