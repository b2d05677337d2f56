/**
 * refcount_t (include/linux/refcount.h, lib/refcount.c, v6.1): a counter that warns instead of wrapping, and is
 * poisoned once it has warned: a saturated counter never moves again, so its object leaks instead of being freed.
 *
 * Left out: memory ordering, which sequential consistency subsumes, and the counts above `most`, which no scenario
 * reaches: to go there is an error of the model, never silence.
 */
import { assign } from 'xstate';
import { done, part, type Splat, reply, setupObject, splat } from '../object.ts';

export type Refcount = {
  refcount_read: { reply: number };
  refcount_set: { with: { n: number } };
  refcount_inc: object;
  refcount_inc_not_zero: { reply: boolean };
  refcount_dec: object;
  refcount_dec_and_test: { reply: boolean };
  refcount_dec_not_one: { reply: boolean };
};

/** INT_MIN / 2, lib/refcount.c */
export const REFCOUNT_SATURATED = -1073741824;
const most = 64;

const warns = (text: string, prints: string): { type: 'splat'; params: Splat } => splat({ kind: 'refcount', text, prints });
const additionOnZero = warns('it is raised from 0', 'refcount_t: addition on 0; use-after-free.');
const underflow = warns('it is put below 0', 'refcount_t: underflow; use-after-free.');
const decrementHitZero = warns('refcount_dec() brings it to 0', 'refcount_t: decrement hit 0; leaking memory.');
/** refcount_dec() has one text for whatever it finds that is not above 1. */
const decrementBelowZero = warns('it is put below 0', 'refcount_t: decrement hit 0; leaking memory.');
const leaking = warns('it is raised after it was poisoned', 'refcount_t: saturated; leaking memory.');
const lostReference = splat({ kind: 'refcount', text: 'the set lowers a live count: a reference is lost', prints: null });

type Context = { n: number };

const machine = setupObject<Context, Refcount>()
  .extend({
    guards: {
      isLast: ({ context }) => context.n === 1,
      lowers: ({ context, event }) => event.type === 'refcount_set' && event.n < context.n,
      setsZero: ({ event }) => event.type === 'refcount_set' && event.n === 0,
    },
    actions: {
      set: assign({ n: ({ event, context }) => (event.type === 'refcount_set' ? event.n : context.n) }),
      up: assign({ n: ({ context }) => context.n + 1 }),
      down: assign({ n: ({ context }) => context.n - 1 }),
      poison: assign({ n: REFCOUNT_SATURATED }),
    },
  })
  .createMachine({
    id: 'refcount',
    context: ({ input }) => input,
    initial: 'start',
    on: {
      refcount_read: { actions: { type: 'answer', params: ({ context }) => ({ value: context.n }) } },
    },
    states: {
      start: { always: [{ guard: ({ context }) => context.n === 0, target: 'zero' }, { target: 'live' }] },
      zero: {
        on: {
          refcount_set: [
            { guard: 'setsZero', actions: done },
            { target: 'live', actions: ['set', done] },
          ],
          refcount_inc: { target: 'saturated', actions: ['poison', additionOnZero] },
          refcount_inc_not_zero: { actions: reply(false) },
          refcount_dec: { target: 'saturated', actions: ['poison', decrementBelowZero] },
          refcount_dec_and_test: { target: 'saturated', actions: ['poison', underflow, reply(false)] },
          // It warns, and leaves the 0 where it is.
          refcount_dec_not_one: { actions: [underflow, reply(true)] },
        },
      },
      live: {
        on: {
          // The kernel overwrites in silence; lowering a live count drops somebody's reference.
          refcount_set: [
            { guard: 'setsZero', target: 'zero', actions: ['set', lostReference, done] },
            { guard: 'lowers', actions: ['set', lostReference, done] },
            { actions: ['set', done] },
          ],
          refcount_inc: { actions: ['up', done] },
          refcount_inc_not_zero: { actions: ['up', reply(true)] },
          refcount_dec: [
            { guard: 'isLast', target: 'saturated', actions: ['poison', decrementHitZero] },
            { actions: ['down', done] },
          ],
          refcount_dec_and_test: [
            { guard: 'isLast', target: 'zero', actions: ['down', reply(true)] },
            { actions: ['down', reply(false)] },
          ],
          refcount_dec_not_one: [{ guard: 'isLast', actions: reply(false) }, { actions: ['down', reply(true)] }],
        },
      },
      saturated: {
        on: {
          // It overwrites the poison too, and re-animates the counter.
          refcount_set: [
            { guard: 'setsZero', target: 'zero', actions: ['set', done] },
            { target: 'live', actions: ['set', done] },
          ],
          refcount_inc: { actions: leaking },
          refcount_inc_not_zero: { actions: [leaking, reply(true)] },
          refcount_dec: { actions: decrementBelowZero },
          refcount_dec_and_test: { actions: [underflow, reply(false)] },
          refcount_dec_not_one: { actions: reply(true) },
        },
      },
    },
  });

export const refcount = (n = 0) =>
  part<Refcount, Context>(
    machine,
    { n },
    { range: ({ n: count }) => count === REFCOUNT_SATURATED || (count >= 0 && count <= most) },
  );
