/**
 * spinlock_t (include/linux/spinlock.h, v6.1, without PREEMPT_RT): a lock whose holder must not sleep, not recursive.
 *
 * Whoever spins is not enabled, so that spinning costs no steps. That a thread which spins on its own CPU for what it
 * has itself interrupted never gets it follows from the CPU object.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';
import { badUnlock, freedUnderHolder, heldLockFreed } from './lockdep.ts';
import { stamp } from './stamp.ts';

export type Spinlock = {
  spin_lock: object;
  spin_trylock: { reply: boolean };
  spin_unlock: object;
};

type Context = { owner: string | null };

const machine = setupObject<Context, Spinlock>()
  .extend({
    guards: { isOwner: ({ context, event }) => context.owner === stamp(event) },
    actions: {
      own: assign({ owner: ({ event }) => stamp(event) }),
      disown: assign({ owner: null }),
    },
  })
  .createMachine({
    id: 'spinlock',
    context: ({ input }) => input,
    initial: 'unlocked',
    states: {
      unlocked: {
        on: {
          spin_lock: { target: 'locked', actions: ['own', done] },
          spin_trylock: { target: 'locked', actions: ['own', reply(true)] },
          spin_unlock: { actions: badUnlock },
        },
      },
      locked: {
        on: {
          spin_trylock: { actions: reply(false) },
          spin_unlock: [{ guard: 'isOwner', target: 'unlocked', actions: ['disown', done] }, { actions: badUnlock }],
          kfree: [{ guard: 'isOwner', actions: heldLockFreed }, { actions: freedUnderHolder }],
        },
      },
    },
  });

export const spinlock = () => part<Spinlock, Context>(machine, { owner: null });
