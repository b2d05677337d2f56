/** include/linux/wait.h: the calls on a wait_queue_head_t, and the macros that wait for a condition, v6.1. */
import type { Handle } from '../../machines/object.ts';
import { ERESTARTSYS } from '../../machines/sync/errno.ts';
import type { WaitQueue } from '../../machines/sync/wait-queue.ts';
import { type Again, access, again, loop, message, type Operation, oneOf, send } from '../step.ts';

type Queue = Handle<WaitQueue>;
/** It is read by ordinary steps, each time anew. */
type Condition = () => Operation<boolean>;
/** What may end a sleep beside a wake-up. */
type Out = 'timeout' | 'signal';
type End = 'woken' | Out;

export const wake_up = access<WaitQueue, 'wake_up'>('signal', 'wake_up');
export const wake_up_all = access<WaitQueue, 'wake_up'>('signal', 'wake_up', { c: 'wake_up_all(&$)' });
export const wake_up_interruptible = access<WaitQueue, 'wake_up'>('signal', 'wake_up', { c: 'wake_up_interruptible(&$)' });

/** Each of them takes the lock of the queue, or looks whether a waker has taken it off, as list_empty_careful() does. */
const own = { kind: 'update', stamped: true, orders: 'both' } as const;
export const prepare_to_wait_event = access<WaitQueue, 'prepare_to_wait_event'>(own, 'prepare_to_wait_event');
export const finish_wait = access<WaitQueue, 'finish_wait'>(own, 'finish_wait');
export const add_wait_queue = access<WaitQueue, 'add_wait_queue'>(own, 'add_wait_queue');
export const remove_wait_queue = access<WaitQueue, 'remove_wait_queue'>(own, 'remove_wait_queue');

function* sleepUntil(q: Queue, type: 'schedule' | 'wait_woken', c: string, outs: readonly Out[]): Operation<End> {
  const woken = message<WaitQueue, typeof type>({ kind: 'wait', stamped: true }, q, type, undefined, { c });
  if (outs.length === 0) {
    yield* send(woken);
    return 'woken';
  }
  const whys = { timeout: 'time is up', signal: 'a signal' } as const;
  const ways = outs.map((way) => [way, message<WaitQueue, Out>(own, q, way, undefined, { c: `${c}: ${whys[way]}` })]);
  return (yield* oneOf<End>(Object.fromEntries([['woken', woken], ...ways]))).way;
}

/** For whoever has called add_wait_queue() with woken_wake_function(): a wake-up since the last sleep ends it at once. */
export const wait_woken = (q: Queue, ...outs: readonly Out[]): Operation<End> =>
  sleepUntil(q, 'wait_woken', 'wait_woken(&$)', outs);

/**
 * The condition is looked at before anything else, and again each time after the task was put on the queue: a wake-up
 * that comes then takes it off, and it does not sleep. When time is up or a signal has come, the condition is looked at
 * once more, and counts for more.
 * @returns what ended it: `woken` where the condition holds
 */
function* waitUntil(q: Queue, condition: Condition, outs: readonly Out[]): Operation<End> {
  if (yield* condition()) return 'woken';
  return yield* loop<End, End>('woken', function* (last): Operation<End | Again<End>> {
    // C puts it on the queue here, too, and takes it off. Nothing can tell, as it does not sleep any more.
    if (last !== 'woken') return (yield* condition()) ? 'woken' : last;
    yield* prepare_to_wait_event(q);
    if (!(yield* condition())) return again(yield* sleepUntil(q, 'schedule', 'schedule()', outs));
    yield* finish_wait(q);
    return 'woken';
  });
}

export function* wait_event(q: Queue, condition: Condition): Operation {
  yield* waitUntil(q, condition, []);
}

/** @returns 0, or -ERESTARTSYS on a signal */
export function* wait_event_interruptible(q: Queue, condition: Condition): Operation<number> {
  return (yield* waitUntil(q, condition, ['signal'])) === 'woken' ? 0 : -ERESTARTSYS;
}

/** @returns 0, or -ERESTARTSYS on a fatal signal */
export const wait_event_killable = (q: Queue, condition: Condition): Operation<number> => wait_event_interruptible(q, condition);

/** @returns what is left of the time, 0 when it is up */
export function* wait_event_timeout(q: Queue, condition: Condition): Operation<number> {
  return (yield* waitUntil(q, condition, ['timeout'])) === 'woken' ? 1 : 0;
}

/** @returns what is left of the time, 0 when it is up, -ERESTARTSYS on a signal */
export function* wait_event_interruptible_timeout(q: Queue, condition: Condition): Operation<number> {
  const end = yield* waitUntil(q, condition, ['timeout', 'signal']);
  return end === 'woken' ? 1 : end === 'timeout' ? 0 : -ERESTARTSYS;
}
