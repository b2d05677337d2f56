/**
 * RCU and SRCU (include/linux/rcupdate.h, kernel/rcu/tree.c, srcu.h, srcutree.c, v6.1): who reads just now, and what
 * waits until those who read are gone.
 *
 * A grace period notes the readers that are there when it begins, and may end once each of them has left; readers that
 * come later do not hold it up. A callback begins one when it is queued: to begin later is only to be slower.
 *
 * Left out: that callbacks of different CPUs may run in another order than they were queued in; expedited grace periods.
 */
import { assign } from 'xstate';
import { done, part, type Splat, setupObject, splat } from '../object.ts';
import { field } from './field.ts';
import { byName, stamp } from './stamp.ts';

type Pointer = { readonly path: string };

type Common = {
  /** Enabled when the caller's grace period may end. */
  wait_for_gp: object;
  wait_for_barrier: object;
  /** The daemon takes over the callback whose grace period has ended, and says when it has run it. */
  rcu_do_batch: { reply: Pointer };
  callback_done: object;
};

export type Rcu = Common & {
  rcu_read_lock: object;
  rcu_read_unlock: object;
  synchronize_rcu: object;
  call_rcu: { with: { head: Pointer; func: string } };
  rcu_barrier: object;
};

export type Srcu = Common & {
  srcu_read_lock: object;
  srcu_read_unlock: object;
  synchronize_srcu: object;
  call_srcu: { with: { head: Pointer; func: string } };
  srcu_barrier: object;
};

type Names = readonly string[];
type Context = {
  /** One entry for each time it is read, in the order of the alphabet. */
  readers: Names;
  /** Who has to see which readers go. */
  waiting: readonly (readonly [who: string, readers: Names])[];
  /** The paths of rcu_heads, in the order they were queued in. */
  callbacks: readonly { readonly head: string; readonly readers: Names }[];
  running: boolean;
  /** Who waits until how many callbacks have run. */
  barriers: readonly (readonly [who: string, callbacks: number])[];
};

const present = ({ readers }: Context): Names => [...new Set(readers)];

/** Only with its outermost read side left is a reader gone. */
const withoutReader = (context: Context, who: string): Partial<Context> => {
  const at = context.readers.indexOf(who);
  const readers = context.readers.filter((_, i) => i !== at);
  if (readers.includes(who)) return { readers };
  const others = (names: Names): Names => names.filter((name) => name !== who);
  return {
    readers,
    waiting: context.waiting.map(([name, noted]) => [name, others(noted)] as const),
    callbacks: context.callbacks.map(({ head, readers: noted }) => ({ head, readers: others(noted) })),
  };
};

const unlockImbalance = splat({
  kind: 'unlock-imbalance',
  text: 'a read side is left that was not entered',
  prints: 'WARNING: bad unlock balance detected!',
});
const waitsForItself = splat({
  kind: 'self-deadlock',
  text: 'a reader waits for the readers to go',
  prints: 'WARNING: suspicious RCU usage',
});
const queuedTwice = (by: string) =>
  ({
    type: 'splat',
    params: ({ event }: { event: { func: string } }): Splat => ({
      kind: 'double-free',
      text: 'a callback is queued that is queued already',
      prints: `rcu: ${by}(): Double-freed CB <p>->${event.func}()!!!`,
    }),
  }) as const;

const machine = setupObject<Context, Rcu & Srcu>()
  .extend({
    guards: {
      reads: ({ context, event }) => context.readers.includes(stamp(event)),
      mayEnd: ({ context, event }) => context.waiting.some(([who, readers]) => who === stamp(event) && readers.length === 0),
      isReady: ({ context }) => !context.running && context.callbacks[0]?.readers.length === 0,
      isQueued: ({ context, event }) => 'head' in event && context.callbacks.some(({ head }) => head === event.head.at),
      haveRun: ({ context, event }) => context.barriers.some(([who, callbacks]) => who === stamp(event) && callbacks === 0),
    },
    actions: {
      enter: assign({ readers: ({ context, event }) => [...context.readers, stamp(event)].toSorted() }),
      leave: assign(({ context, event }) => withoutReader(context, stamp(event))),
      begin: assign({
        waiting: ({ context, event }) => [...context.waiting, [stamp(event), present(context)] as const].toSorted(byName),
      }),
      end: assign({ waiting: ({ context, event }) => context.waiting.filter(([who]) => who !== stamp(event)) }),
      queue: assign({
        callbacks: ({ context, event }) =>
          'head' in event ? [...context.callbacks, { head: event.head.at, readers: present(context) }] : context.callbacks,
      }),
      take: assign({ callbacks: ({ context }) => context.callbacks.slice(1), running: true }),
      finish: assign({
        running: false,
        barriers: ({ context }) => context.barriers.map(([who, callbacks]) => [who, Math.max(0, callbacks - 1)] as const),
      }),
      raise: assign({
        barriers: ({ context, event }) => {
          const queued = context.callbacks.length + (context.running ? 1 : 0);
          return [...context.barriers, [stamp(event), queued] as const].toSorted(byName);
        },
      }),
      lower: assign({ barriers: ({ context, event }) => context.barriers.filter(([who]) => who !== stamp(event)) }),
    },
  })
  .createMachine({
    id: 'rcu',
    context: ({ input }) => input,
    on: {
      rcu_read_lock: { actions: ['enter', done] },
      srcu_read_lock: { actions: ['enter', done] },
      rcu_read_unlock: [{ guard: 'reads', actions: ['leave', done] }, { actions: unlockImbalance }],
      srcu_read_unlock: [{ guard: 'reads', actions: ['leave', done] }, { actions: unlockImbalance }],
      synchronize_rcu: [{ guard: 'reads', actions: ['begin', waitsForItself] }, { actions: ['begin', done] }],
      synchronize_srcu: [{ guard: 'reads', actions: ['begin', waitsForItself] }, { actions: ['begin', done] }],
      wait_for_gp: { guard: 'mayEnd', actions: ['end', done] },
      call_rcu: [{ guard: 'isQueued', actions: queuedTwice('call_rcu') }, { actions: ['queue', done] }],
      call_srcu: [{ guard: 'isQueued', actions: queuedTwice('call_srcu') }, { actions: ['queue', done] }],
      rcu_do_batch: {
        guard: 'isReady',
        actions: [{ type: 'answer', params: ({ context }) => ({ value: { at: context.callbacks[0]?.head ?? '' } }) }, 'take'],
      },
      callback_done: { actions: ['finish', done] },
      rcu_barrier: { actions: ['raise', done] },
      srcu_barrier: { actions: ['raise', done] },
      wait_for_barrier: { guard: 'haveRun', actions: ['lower', done] },
    },
  });

const atRest: Context = { readers: [], waiting: [], callbacks: [], running: false, barriers: [] };

/** Both take part in lock validation without being checked: rcu_lock_acquire() says so. */
const unchecked = { novalidate: true };

/** The one RCU of a kernel. */
export const rcu_state = () => part<Rcu, Context>(machine, atRest, unchecked);
export const srcu_struct = () => part<Srcu, Context>(machine, atRest, unchecked);

/** struct rcu_head, embedded in what is to be freed: the name of the function to call. */
export const rcu_head = () => field<string>('');
