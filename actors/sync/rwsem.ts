/** include/linux/rwsem.h: the calls on a struct rw_semaphore. */
import type { Handle } from '../../machines/object.ts';
import { EINTR } from '../../machines/sync/errno.ts';
import type { Rwsem } from '../../machines/sync/rwsem.ts';
import { access, message, type Operation, oneOf, send } from '../step.ts';

export const down_read = access<Rwsem, 'down_read'>({ kind: 'acquire', mode: 'shared' }, 'down_read');
export const down_read_trylock = access<Rwsem, 'down_read_trylock'>(
  { kind: 'acquire', mode: 'shared', try: true },
  'down_read_trylock',
);
/** @param subclass what tells it, for lock order, from another lock of its class that the caller holds */
export const down_read_nested = (sem: Handle<Rwsem>, subclass: number): Operation =>
  send(
    message<Rwsem, 'down_read'>({ kind: 'acquire', mode: 'shared', subclass }, sem, 'down_read', undefined, {
      c: `down_read_nested(&$, ${subclass})`,
    }),
  );
export const up_read = access<Rwsem, 'up_read'>({ kind: 'release', mode: 'shared' }, 'up_read');
export const down_write_trylock = access<Rwsem, 'down_write_trylock'>({ kind: 'acquire', try: true }, 'down_write_trylock');
export const up_write = access<Rwsem, 'up_write'>('release', 'up_write');
export const rwsem_is_locked = access<Rwsem, 'rwsem_is_locked'>('read', 'rwsem_is_locked');

const ask = access<Rwsem, 'down_write'>({ kind: 'acquire', try: true, queues: true }, 'down_write');
const wait = access<Rwsem, 'rwsem_down_write_slowpath'>('acquire', 'rwsem_down_write_slowpath');

/** One step where the lock is free. Else it queues, which holds off readers, and then blocks. */
export function* down_write(sem: Handle<Rwsem>): Operation {
  if (!(yield* ask(sem))) yield* wait(sem);
}

/** @returns 0, or -EINTR when it was killed while it waited */
export function* down_write_killable(sem: Handle<Rwsem>): Operation<number> {
  if (yield* ask(sem)) return 0;
  const { way } = yield* oneOf({
    granted: message<Rwsem, 'rwsem_down_write_slowpath'>('acquire', sem, 'rwsem_down_write_slowpath'),
    killed: message<Rwsem, 'rwsem_del_waiter'>('update', sem, 'rwsem_del_waiter'),
  });
  return way === 'granted' ? 0 : -EINTR;
}

/** @returns 0, or -EINTR when it was killed while it waited */
export function* down_read_killable(sem: Handle<Rwsem>): Operation<number> {
  const c = 'down_read_killable(&$)';
  const { way } = yield* oneOf({
    granted: message<Rwsem, 'down_read'>({ kind: 'acquire', mode: 'shared' }, sem, 'down_read', undefined, { c }),
    killed: message<Rwsem, 'signal'>('read', sem, 'signal', undefined, { c: `${c}: killed` }),
  });
  return way === 'granted' ? 0 : -EINTR;
}
