/**
 * include/linux/kref.h: the calls on a struct kref.
 *
 * `release` gets nothing: in C it finds the object from the kref by container_of(), here the caller binds it.
 */
import type { Handle } from '../../machines/object.ts';
import type { Kref } from '../../machines/sync/kref.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import type { Refcount } from '../../machines/sync/refcount.ts';
import { access, message, type Operation, send } from '../step.ts';
import { lastPut, refcount_dec_and_mutex_lock } from './refcount.ts';

type Release = () => Operation<unknown>;

export const kref_init = (kref: Handle<Kref>): Operation =>
  send(message<Refcount, 'refcount_set'>('write', kref, 'refcount_set', { n: 1 }, { c: 'kref_init(&$)' }));
export const kref_read = access<Kref, 'refcount_read'>('read', 'refcount_read', { c: 'kref_read(&$)' });
export const kref_get = access<Kref, 'refcount_inc'>('get', 'refcount_inc', { c: 'kref_get(&$)' });
export const kref_get_unless_zero = access<Kref, 'refcount_inc_not_zero'>('get', 'refcount_inc_not_zero', {
  c: 'kref_get_unless_zero(&$)',
});

const put = access<Kref, 'refcount_dec_and_test'>(lastPut, 'refcount_dec_and_test', { c: 'kref_put(&$)' });

/** @returns whether the object is gone */
export function* kref_put(kref: Handle<Kref>, release: Release): Operation<boolean> {
  if (!(yield* put(kref))) return false;
  yield* release();
  return true;
}

/**
 * What may be the last reference is put under the lock, so that whoever finds the object under it finds it alive.
 * `release` runs with the lock held, and has to unlock it.
 */
export function* kref_put_mutex(kref: Handle<Kref>, release: Release, lock: Handle<Mutex>): Operation<boolean> {
  if (!(yield* refcount_dec_and_mutex_lock(kref, lock))) return false;
  yield* release();
  return true;
}
