/**
 * atomic_t (include/linux/atomic/atomic-instrumented.h, v6.1): a counter that checks nothing.
 *
 * It goes below 0 as readily as it goes above, and reaching 0 means nothing to it: what is counted too often or too
 * seldom shows only later, as a use after free or a wait without end.
 *
 * Left out: memory ordering, which sequential consistency subsumes; wrapping at 2^31, for beyond `most` is an error of
 * the model.
 */
import { assign } from 'xstate';
import { done, part, setupObject } from '../object.ts';

export type Atomic = {
  atomic_read: { reply: number };
  atomic_set: { with: { n: number } };
  atomic_inc: object;
  atomic_dec: object;
  atomic_inc_return: { reply: number };
  atomic_dec_return: { reply: number };
  atomic_sub_return: { with: { n: number }; reply: number };
  atomic_dec_and_test: { reply: boolean };
  atomic_inc_not_zero: { reply: boolean };
  atomic_dec_if_positive: { reply: number };
  atomic_add_unless: { with: { n: number; unless: number }; reply: boolean };
  atomic_cmpxchg: { with: { old: number; new: number }; reply: number };
  atomic_xchg: { with: { new: number }; reply: number };
};

/** The greatest value that it may come to have. */
export const most = 64;

type Context = { n: number };
type Seen = { context: Context };

/** What the C code gets, by the value that it finds. An answer stands before the change that it reports the old value of. */
const says = (value: (n: number) => number | boolean) =>
  ({ type: 'answer', params: ({ context }: Seen) => ({ value: value(context.n) }) }) as const;
const value = says((n) => n);

const machine = setupObject<Context, Atomic>()
  .extend({
    guards: {
      isZero: ({ context }) => context.n === 0,
      isPositive: ({ context }) => context.n > 0,
      isExcepted: ({ context, event }) => event.type === 'atomic_add_unless' && context.n === event.unless,
      isExpected: ({ context, event }) => event.type === 'atomic_cmpxchg' && context.n === event.old,
    },
    actions: {
      up: assign({ n: ({ context }) => context.n + 1 }),
      down: assign({ n: ({ context }) => context.n - 1 }),
      set: assign({ n: ({ context, event }) => (event.type === 'atomic_set' ? event.n : context.n) }),
      swap: assign({ n: ({ context, event }) => ('new' in event ? event.new : context.n) }),
      add: assign({ n: ({ context, event }) => (event.type === 'atomic_add_unless' ? context.n + event.n : context.n) }),
      sub: assign({ n: ({ context, event }) => (event.type === 'atomic_sub_return' ? context.n - event.n : context.n) }),
    },
  })
  .createMachine({
    id: 'atomic',
    context: ({ input }) => input,
    on: {
      atomic_read: { actions: value },
      atomic_set: { actions: ['set', done] },
      atomic_inc: { actions: ['up', done] },
      atomic_dec: { actions: ['down', done] },
      atomic_inc_return: { actions: ['up', value] },
      atomic_dec_return: { actions: ['down', value] },
      atomic_sub_return: { actions: ['sub', value] },
      atomic_dec_and_test: { actions: ['down', says((n) => n === 0)] },
      atomic_inc_not_zero: [{ guard: 'isZero', actions: says(() => false) }, { actions: ['up', says(() => true)] }],
      // The value it would have had, also where it was left alone: -1 if it was 0.
      atomic_dec_if_positive: [{ guard: 'isPositive', actions: ['down', value] }, { actions: says((n) => n - 1) }],
      atomic_add_unless: [{ guard: 'isExcepted', actions: says(() => false) }, { actions: ['add', says(() => true)] }],
      atomic_cmpxchg: [{ guard: 'isExpected', actions: [value, 'swap'] }, { actions: value }],
      atomic_xchg: { actions: [value, 'swap'] },
    },
  });

export const atomic = (n = 0) => part<Atomic, Context>(machine, { n }, { range: (at) => Math.abs(at.n) <= most });
