/** A work item is idle, pending, running, or pending again while it runs. */
import test from 'ava';
import type { Operation, Step } from '../../actors/step.ts';
import { kfree } from '../../actors/step.ts';
import { cancel_work, cancel_work_sync, flush_work, flush_workqueue, queue_work, worker_thread } from '../../actors/sync/work.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import type { Field } from '../../machines/sync/field.ts';
import { type Workqueue, work_struct, workqueue } from '../../machines/sync/work.ts';
import { Objects } from './subject.ts';

const wq: Handle<Workqueue> = handleAt('kernel.wq');
const [a, b] = [handleAt<Handle<Field<string>>>('a.work'), handleAt<Handle<Field<string>>>('b.work')];
const ODEBUG = 'warn: ODEBUG: free active (active state 0) object type: work_struct';

const machine = (ordered = false) =>
  new Objects({ 'kernel.wq': workqueue(ordered), 'a.work': work_struct('func'), 'b.work': work_struct('func') });

/** A worker whose functions only note that they ran. */
const worker = (objects: Objects, name = 'worker') => {
  const ran: string[] = [];
  const func = function* (object: { path: string }): Operation {
    ran.push(object.path);
  };
  return { ran, thread: objects.start(name, worker_thread(wq, { func })) };
};
const state = (objects: Objects) => objects.at('kernel.wq').context as { pending: string[]; running: string[] };
const queue = (objects: Objects, work: typeof a) => objects.run('t', queue_work(wq, work)).result;

test('an item is queued once until a worker takes it up, and may be queued again while it runs', (t) => {
  const objects = machine();
  const { ran, thread } = worker(objects);
  t.deepEqual([queue(objects, a), queue(objects, a)], [true, false]);
  thread.step();
  t.deepEqual(state(objects).running, ['a.work']);
  t.deepEqual([queue(objects, a), queue(objects, a)], [true, false]);
  thread.go();
  t.deepEqual(ran, ['a', 'a']);
});

test('items are taken up in the order they were queued in', (t) => {
  const objects = machine();
  const { ran, thread } = worker(objects);
  queue(objects, b);
  queue(objects, a);
  thread.go();
  t.deepEqual(ran, ['b', 'a']);
});

test('a worker with nothing to do waits', (t) => {
  t.true(worker(machine()).thread.isBlocked);
});

test('an item never runs twice at once, others do', (t) => {
  const objects = machine();
  const [first, second] = [worker(objects, 'first'), worker(objects, 'second')];
  queue(objects, a);
  first.thread.step();
  queue(objects, a);
  t.true(second.thread.isBlocked);
  queue(objects, b);
  second.thread.step();
  t.deepEqual(state(objects), { ...state(objects), pending: ['a.work'], running: ['a.work', 'b.work'] });
});

test('on an ordered queue one item runs at a time', (t) => {
  const objects = machine(true);
  const [first, second] = [worker(objects, 'first'), worker(objects, 'second')];
  queue(objects, a);
  queue(objects, b);
  first.thread.step();
  t.true(second.thread.isBlocked);
});

test('flush_work of an idle item does not wait', (t) => {
  t.deepEqual(machine().run('t', flush_work(wq, a)), { result: false, steps: ['flush_work'] });
});

test('flush_work waits for the instance that is queued, not for a later one', (t) => {
  const objects = machine();
  const { thread } = worker(objects);
  queue(objects, a);
  const flusher = objects.start('flusher', flush_work(wq, a)).go();
  thread.step();
  t.true(flusher.isBlocked, 'it runs now');
  queue(objects, a);
  thread.step();
  thread.step();
  t.deepEqual(state(objects), { ...state(objects), pending: ['a.work'], running: [] });
  t.is(flusher.go().result, true);
});

test('flush_work of an item that runs waits for it, and leaves nothing behind', (t) => {
  const objects = machine();
  const { thread } = worker(objects);
  queue(objects, a);
  thread.step();
  const flusher = objects.start('flusher', flush_work(wq, a)).go();
  t.true(flusher.isBlocked);
  thread.go();
  t.is(flusher.go().result, true);
  t.deepEqual(objects.at('kernel.wq').context, { ordered: false, pending: [], running: [], cancelling: [], flushes: [] });
});

test('each call is spelled as in C', (t) => {
  const spelled = (operation: Operation<unknown>) => (operation.next().value as Step).step[0].messages[0].c;
  t.deepEqual([queue_work(wq, a), flush_work(wq, a), cancel_work_sync(wq, a), cancel_work(wq, a)].map(spelled), [
    'queue_work($, &a->work)',
    'flush_work(&a->work)',
    'cancel_work_sync(&a->work)',
    'cancel_work(&a->work)',
  ]);
});

test('flush_work of an item that runs and is queued again waits for both', (t) => {
  const objects = machine();
  const { thread } = worker(objects);
  queue(objects, a);
  thread.step();
  queue(objects, a);
  const flusher = objects.start('flusher', flush_work(wq, a)).go();
  thread.step();
  thread.step();
  t.true(flusher.isBlocked, 'the first has run');
  thread.go();
  t.is(flusher.go().result, true);
});

test('flush_workqueue waits for all that is queued, and not for what comes later', (t) => {
  const objects = machine();
  const { ran, thread } = worker(objects);
  queue(objects, a);
  const flusher = objects.start('flusher', flush_workqueue(wq)).go();
  queue(objects, b);
  t.true(flusher.isBlocked);
  for (let i = 0; i < 3; i++) thread.step();
  t.deepEqual(ran, ['a']);
  t.is(flusher.go().status, 'ended');
});

test('cancel_work_sync takes a pending item off, and a flush for it ends', (t) => {
  const objects = machine();
  queue(objects, a);
  const flusher = objects.start('flusher', flush_work(wq, a)).go();
  t.is(objects.run('t', cancel_work_sync(wq, a)).result, true);
  t.is(flusher.go().status, 'ended');
  t.true(worker(objects).thread.isBlocked);
});

test('cancel_work_sync waits for an item that runs, and meanwhile it cannot be queued', (t) => {
  const objects = machine();
  const { ran, thread } = worker(objects);
  queue(objects, a);
  thread.step();
  const canceller = objects.start('canceller', cancel_work_sync(wq, a)).go();
  t.true(canceller.isBlocked);
  t.false(queue(objects, a));
  thread.go();
  t.is(canceller.go().result, false);
  t.deepEqual(ran, ['a']);
  t.true(queue(objects, a), 'afterwards it can');
});

test('a second canceller waits for the first', (t) => {
  const objects = machine();
  const first = objects.start('first', cancel_work_sync(wq, a));
  first.step();
  const second = objects.start('second', cancel_work_sync(wq, a));
  t.true(second.isBlocked);
  first.go();
  t.is(second.go().status, 'ended');
});

test('cancel_work does not wait for an item that runs', (t) => {
  const objects = machine();
  queue(objects, a);
  worker(objects).thread.step();
  t.false(objects.run('t', cancel_work(wq, a)).result);
  queue(objects, a);
  t.true(objects.run('t', cancel_work(wq, a)).result);
  t.deepEqual(state(objects).pending, []);
});

test('an item that cancels itself waits for itself', (t) => {
  const objects = machine();
  queue(objects, a);
  const self = objects.start('worker', worker_thread(wq, { func: (_, work) => cancel_work_sync(wq, work) })).go();
  t.is(self.next, 'wait_for_idle');
});

test('an item may free itself: the worker does not look at it again', (t) => {
  const objects = machine();
  queue(objects, a);
  const thread = objects.start('worker', worker_thread(wq, { func: (object) => kfree(object) })).go();
  t.is(thread.next, 'process_one_work');
  t.deepEqual(objects.splats, []);
});

test('an item that is freed while it is queued: the kernel says so, and the worker uses it after that', (t) => {
  const objects = machine();
  queue(objects, a);
  objects.free('b');
  t.deepEqual(objects.splats, []);
  objects.free('a');
  t.deepEqual(objects.splats, [ODEBUG]);
  worker(objects).thread.go();
  t.deepEqual(objects.splats, [ODEBUG, 'use-after-free: BUG: KASAN: slab-use-after-free (stops)']);
});
