/** include/linux/mutex.h: the calls on a struct mutex. */
import type { Handle } from '../../machines/object.ts';
import { EINTR } from '../../machines/sync/errno.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import { access, message, type Operation, oneOf, send } from '../step.ts';

export const mutex_lock = access<Mutex, 'mutex_lock'>('acquire', 'mutex_lock');
export const mutex_unlock = access<Mutex, 'mutex_unlock'>('release', 'mutex_unlock');
export const mutex_trylock = access<Mutex, 'mutex_trylock'>({ kind: 'acquire', try: true }, 'mutex_trylock');
export const mutex_is_locked = access<Mutex, 'mutex_is_locked'>('read', 'mutex_is_locked');

/** @param subclass what tells it, for lock order, from another lock of its class that the caller holds */
export const mutex_lock_nested = (lock: Handle<Mutex>, subclass: number): Operation =>
  send(
    message<Mutex, 'mutex_lock'>({ kind: 'acquire', subclass }, lock, 'mutex_lock', undefined, {
      c: `mutex_lock_nested(&$, ${subclass})`,
    }),
  );

/** @param nest_lock held by all who take several locks of this class, which is why their order does not matter */
export const mutex_lock_nest_lock = (lock: Handle<Mutex>, nest_lock: { readonly path: string }): Operation =>
  send(message<Mutex, 'mutex_lock'>({ kind: 'acquire', nest: nest_lock.path }, lock, 'mutex_lock'));

/** @returns 0, or -EINTR on a signal that came while it waited */
export function* mutex_lock_interruptible(lock: Handle<Mutex>): Operation<number> {
  const c = 'mutex_lock_interruptible(&$)';
  const { way } = yield* oneOf({
    locked: message<Mutex, 'mutex_lock'>('acquire', lock, 'mutex_lock', undefined, { c }),
    signal: message<Mutex, 'signal'>('read', lock, 'signal', undefined, { c: `${c}: a signal` }),
  });
  return way === 'locked' ? 0 : -EINTR;
}

/** Only a fatal signal ends the wait; to a model signals are all alike. */
export const mutex_lock_killable = (lock: Handle<Mutex>): Operation<number> => mutex_lock_interruptible(lock);
