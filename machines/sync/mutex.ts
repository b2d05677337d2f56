/**
 * struct mutex (include/linux/mutex.h, kernel/locking/mutex.c, v6.1): a sleeping lock with one owner, not recursive.
 *
 * Waiters are not kept here: while it is locked, `mutex_lock` is not enabled, and who goes first is the scheduler's choice.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';
import { badUnlock, freedUnderHolder, heldLockFreed } from './lockdep.ts';
import { stamp } from './stamp.ts';

export type Mutex = {
  mutex_lock: object;
  mutex_trylock: { reply: boolean };
  mutex_unlock: object;
  mutex_is_locked: { reply: boolean };
  /** The way out of a wait that a signal may end. */
  signal: object;
};

type Context = { owner: string | null };

const machine = setupObject<Context, Mutex>()
  .extend({
    guards: { isOwner: ({ context, event }) => context.owner === stamp(event) },
    actions: {
      own: assign({ owner: ({ event }) => stamp(event) }),
      disown: assign({ owner: null }),
    },
  })
  .createMachine({
    id: 'mutex',
    context: ({ input }) => input,
    initial: 'unlocked',
    states: {
      unlocked: {
        on: {
          mutex_lock: { target: 'locked', actions: ['own', done] },
          mutex_trylock: { target: 'locked', actions: ['own', reply(true)] },
          mutex_unlock: { actions: badUnlock },
          mutex_is_locked: { actions: reply(false) },
        },
      },
      locked: {
        on: {
          mutex_trylock: { actions: reply(false) },
          mutex_is_locked: { actions: reply(true) },
          signal: { actions: done },
          mutex_unlock: [{ guard: 'isOwner', target: 'unlocked', actions: ['disown', done] }, { actions: badUnlock }],
          kfree: [{ guard: 'isOwner', actions: heldLockFreed }, { actions: freedUnderHolder }],
        },
      },
    },
  });

/** @param options `novalidate`: lockdep_set_novalidate_class(), as device_initialize() does with that of a struct device */
export const mutex = (options: { readonly novalidate?: boolean } = {}) => part<Mutex, Context>(machine, { owner: null }, options);
