/**
 * struct workqueue_struct and the work items on it (include/linux/workqueue.h, kernel/workqueue.c, v6.1): an item is
 * idle, pending, running, or pending again while it runs; it never runs twice at once.
 *
 * The queue keeps the state of its items, because a work function may free its own: what the worker does after that
 * touches the queue only. A flush waits for the instance that is queued when it comes, not for later ones; while one
 * cancels, the item cannot be queued.
 *
 * Left out: delayed work, whose timer is no more than a slow worker; max_active beside 1; how many workers there are,
 * which is how many daemons the scenario has.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../object.ts';
import { field } from './field.ts';
import { byName, stamp } from './stamp.ts';

type Pointer = { readonly path: string };

export type Workqueue = {
  queue_work: { with: { work: Pointer }; reply: boolean };
  /** A worker takes an item up, and says when its function has returned. */
  process_one_work: { reply: Pointer };
  work_done: { with: { work: Pointer } };
  /** Whether there is anything to wait for. */
  flush_work: { with: { work: Pointer }; reply: boolean };
  flush_workqueue: object;
  wait_for_flush: object;
  /** Whether it was pending. From then on it cannot be queued, until the canceller has seen it idle. */
  cancel_work_sync: { with: { work: Pointer }; reply: boolean };
  wait_for_idle: { with: { work: Pointer } };
  cancel_work: { with: { work: Pointer }; reply: boolean };
};

/** An instance that a flush waits for. */
type Awaited = readonly [work: string, stage: 'pending' | 'running'];
type Context = {
  /** One item at a time, in the order they were queued in. */
  ordered: boolean;
  pending: readonly string[];
  running: readonly string[];
  cancelling: readonly string[];
  flushes: readonly (readonly [who: string, awaited: readonly Awaited[]])[];
};

const workOf = (event: object): string => ('work' in event ? (event.work as { at: string }).at : '');
const structOf = (work: string): string => work.slice(0, work.lastIndexOf('.'));
const without = (names: readonly string[], name: string): readonly string[] => names.filter((other) => other !== name);

/** What a worker takes up next: never an item that another worker still runs. */
const nextOf = ({ ordered, pending, running }: Context): string | undefined =>
  ordered && running.length > 0 ? undefined : pending.find((work) => !running.includes(work));

/** What a flush that comes now waits for: the instance that is pending, or else the one that runs. */
const instanceOf = ({ pending, running }: Context, work: string): readonly Awaited[] =>
  pending.includes(work) ? [[work, 'pending']] : running.includes(work) ? [[work, 'running']] : [];

const moveOn = ({ flushes }: Context, work: string, from: Awaited[1], to: Awaited[1] | null): Context['flushes'] =>
  flushes.map(([who, awaited]) => [
    who,
    awaited.flatMap((one): readonly Awaited[] => (one[0] !== work || one[1] !== from ? [one] : to === null ? [] : [[work, to]])),
  ]);

const freedWhilePending = splat({
  kind: 'warn',
  text: 'a work item is freed while it is queued',
  prints: 'ODEBUG: free active (active state 0) object type: work_struct',
});

const machine = setupObject<Context, Workqueue>()
  .extend({
    guards: {
      isPending: ({ context, event }) => context.pending.includes(workOf(event)),
      isRunning: ({ context, event }) => context.running.includes(workOf(event)),
      isIdle: ({ context, event }) => !context.running.includes(workOf(event)),
      isCancelling: ({ context, event }) => context.cancelling.includes(workOf(event)),
      mayCancelPending: ({ context, event }) =>
        !context.cancelling.includes(workOf(event)) && context.pending.includes(workOf(event)),
      mayCancel: ({ context, event }) => !context.cancelling.includes(workOf(event)),
      hasWork: ({ context }) => nextOf(context) !== undefined,
      isFlushed: ({ context, event }) => context.flushes.some(([who, awaited]) => who === stamp(event) && awaited.length === 0),
      holdsPending: ({ context, event }) =>
        event.type === 'freed' && context.pending.some((work) => structOf(work) === event.entry.at),
    },
    actions: {
      queue: assign({ pending: ({ context, event }) => [...context.pending, workOf(event)] }),
      take: assign(({ context }) => {
        const work = nextOf(context) ?? '';
        return {
          pending: without(context.pending, work),
          running: [...context.running, work].toSorted(),
          flushes: moveOn(context, work, 'pending', 'running'),
        };
      }),
      finish: assign(({ context, event }) => ({
        running: without(context.running, workOf(event)),
        flushes: moveOn(context, workOf(event), 'running', null),
      })),
      unqueue: assign(({ context, event }) => ({
        pending: without(context.pending, workOf(event)),
        flushes: moveOn(context, workOf(event), 'pending', null),
      })),
      beginCancel: assign({ cancelling: ({ context, event }) => [...context.cancelling, workOf(event)].toSorted() }),
      endCancel: assign({ cancelling: ({ context, event }) => without(context.cancelling, workOf(event)) }),
      beginFlush: assign({
        flushes: ({ context, event }) =>
          [...context.flushes, [stamp(event), instanceOf(context, workOf(event))] as const].toSorted(byName),
      }),
      beginFlushOfAll: assign({
        flushes: ({ context, event }) => {
          const all = [
            ...context.running.map((work) => [work, 'running'] as const),
            ...context.pending.map((work) => [work, 'pending'] as const),
          ];
          return [...context.flushes, [stamp(event), all.toSorted(byName)] as const].toSorted(byName);
        },
      }),
      endFlush: assign({ flushes: ({ context, event }) => context.flushes.filter(([who]) => who !== stamp(event)) }),
    },
  })
  .createMachine({
    id: 'workqueue',
    context: ({ input }) => input,
    on: {
      queue_work: [
        { guard: 'isPending', actions: reply(false) },
        { guard: 'isCancelling', actions: reply(false) },
        { actions: ['queue', reply(true)] },
      ],
      process_one_work: {
        guard: 'hasWork',
        actions: [{ type: 'answer', params: ({ context }) => ({ value: { at: nextOf(context) ?? '' } }) }, 'take'],
      },
      work_done: { actions: ['finish', done] },
      flush_work: [
        { guard: 'isPending', actions: ['beginFlush', reply(true)] },
        { guard: 'isRunning', actions: ['beginFlush', reply(true)] },
        { actions: reply(false) },
      ],
      flush_workqueue: { actions: ['beginFlushOfAll', done] },
      wait_for_flush: { guard: 'isFlushed', actions: ['endFlush', done] },
      cancel_work_sync: [
        { guard: 'mayCancelPending', actions: ['unqueue', 'beginCancel', reply(true)] },
        { guard: 'mayCancel', actions: ['beginCancel', reply(false)] },
      ],
      wait_for_idle: { guard: 'isIdle', actions: ['endCancel', done] },
      cancel_work: [{ guard: 'isPending', actions: ['unqueue', reply(true)] }, { actions: reply(false) }],
      freed: [{ guard: 'holdsPending', actions: freedWhilePending }, { actions: done }],
    },
  });

/** @param ordered made with alloc_ordered_workqueue() */
export const workqueue = (ordered = false) =>
  part<Workqueue, Context>(machine, { ordered, pending: [], running: [], cancelling: [], flushes: [] }, { hearsFrees: true });

/** struct work_struct: the name of its function. */
export const work_struct = (func: string) => field<string>(func);
