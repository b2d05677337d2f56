/**
 * include/linux/workqueue.h: the calls on work items, v6.1.
 *
 * flush_work() and cancel_work_sync() name the queue, which C does not: there the item remembers where it was last.
 */
import { handleAt, type Handle } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { Workqueue } from '../../machines/sync/work.ts';
import { access, again, loop, type Meaning, message, type Operation, send } from '../step.ts';
import { load } from './memory.ts';
import { spelled } from './spelling.ts';

type Queue = Handle<Workqueue>;
type Work = Handle<Field<string>>;
type Entry = { readonly path: string };
/** What a function of this name does with the struct around the work item. */
export type WorkFunctions = { readonly [func: string]: (object: Entry, work: Work) => Operation<unknown> };

/** Each call looks at the item itself, too, so that one in freed memory is a use after free. */
const onItem =
  <R>(means: Meaning, type: 'queue_work' | 'flush_work' | 'cancel_work_sync' | 'cancel_work' | 'wait_for_idle', ends = '') =>
  (wq: Queue, work: Work): Operation<R> => {
    const c =
      type === 'queue_work'
        ? `queue_work($, &${spelled(work)})`
        : `${type === 'wait_for_idle' ? 'cancel_work_sync' : type}(&${spelled(work)})`;
    return send<R>(
      message<Workqueue, typeof type>(means, wq, type, { work }, { c: `${c}${ends}` }),
      message<Field<string>, 'load'>('read', work, 'load'),
    );
  };

/** @returns whether it is queued now and was not before */
export const queue_work = onItem<boolean>({ kind: 'update', orders: 'release' }, 'queue_work');
/** @returns whether it was pending */
export const cancel_work = onItem<boolean>({ kind: 'update' }, 'cancel_work');

const begins = { kind: 'update', stamped: true } as const;
/** A flush or a cancel comes after the function that it waits for. */
const waits = { kind: 'wait', stamped: true, after: ['work_done'] } as const;
/** It looks at an item that is idle under the lock of the pool, which its worker has had, and says first that it may sleep. */
const beginFlush = onItem<boolean>({ ...begins, sleeps: true, orders: { false: 'acquire' }, after: ['work_done'] }, 'flush_work');
const beginFlushOfAll = access<Workqueue, 'flush_workqueue'>(begins, 'flush_workqueue');
const endFlush = access<Workqueue, 'wait_for_flush'>(waits, 'wait_for_flush', { c: 'what was queued has run' });
const beginCancel = onItem<boolean>({ kind: 'wait', stamped: true }, 'cancel_work_sync');
const endCancel = onItem<void>(waits, 'wait_for_idle', ': it no longer runs');

/** @returns whether there was anything to wait for */
export function* flush_work(wq: Queue, work: Work): Operation<boolean> {
  if (!(yield* beginFlush(wq, work))) return false;
  yield* endFlush(wq);
  return true;
}

export function* flush_workqueue(wq: Queue): Operation {
  yield* beginFlushOfAll(wq);
  yield* endFlush(wq);
}

/** @returns whether it was pending; afterwards it is neither that nor running */
export function* cancel_work_sync(wq: Queue, work: Work): Operation<boolean> {
  const wasPending = yield* beginCancel(wq, work);
  yield* endCancel(wq, work);
  return wasPending;
}

const take = access<Workqueue, 'process_one_work'>({ kind: 'wait', after: ['queue_work', 'work_done'] }, 'process_one_work');
const finish = access<Workqueue, 'work_done'>({ kind: 'update', orders: 'release' }, 'work_done', {
  c: 'process_one_work(&$): the function has returned',
});

/** The daemon that runs what is queued. Several of them run several items at once. */
export function* worker_thread(wq: Queue, functions: WorkFunctions): Operation {
  yield* loop(null, function* () {
    const work = (yield* take(wq)) as Work;
    const name = yield* load(work);
    const func = functions[name];
    if (func === undefined) throw new RangeError(`no operation is given for the work function "${name}"`);
    yield* func(handleAt<Entry>(work.path.slice(0, work.path.lastIndexOf('.'))), work);
    yield* finish(wq, { work });
    return again(null);
  });
}
