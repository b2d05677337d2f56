/** A wait for a condition: prepare, look, sleep. A wake-up that comes before the task has prepared is lost. */
import test from 'ava';
import { type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import {
  add_wait_queue,
  remove_wait_queue,
  wait_event,
  wait_event_interruptible,
  wait_event_interruptible_timeout,
  wait_event_timeout,
  wait_woken,
  wake_up,
  wake_up_all,
} from '../../actors/sync/wait-queue.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { type Field, field } from '../../machines/sync/field.ts';
import { type WaitQueue, wait_queue_head } from '../../machines/sync/wait-queue.ts';
import { Objects } from './subject.ts';

const q: Handle<WaitQueue> = handleAt('vfio.release_q');
const ready: Handle<Field<boolean>> = handleAt('vfio.ready');
const condition = () => load(ready);
const objectsWith = (isReady = false) =>
  new Objects({ 'vfio.release_q': wait_queue_head(), 'vfio.ready': field<boolean>(isReady) });

function* makeReady(): Operation {
  yield* store(ready, true);
  yield* wake_up_all(q);
}

test('where the condition holds already there is no wait, and the queue is not touched', (t) => {
  t.deepEqual(objectsWith(true).run('t', wait_event(q, condition)).steps, ['load']);
});

test('a task prepares, looks once more, and sleeps', (t) => {
  const objects = objectsWith();
  const { steps } = objects.run('t', wait_event(q, condition));
  t.deepEqual(steps, ['load', 'prepare_to_wait_event', 'load']);
  t.deepEqual(objects.at('vfio.release_q').context, { waiting: ['t'], attached: [], woken: [] });
});

test('woken, it looks again, and leaves the queue', (t) => {
  const objects = objectsWith();
  const waiter = objects.start('t', wait_event(q, condition)).go();
  t.is(waiter.next, 'schedule');
  objects.run('waker', makeReady());
  waiter.go();
  t.is(waiter.status, 'ended');
  t.deepEqual(objects.at('vfio.release_q').context, { waiting: [], attached: [], woken: [] });
});

test('woken for nothing, it sleeps again', (t) => {
  const objects = objectsWith();
  const waiter = objects.start('t', wait_event(q, condition)).go();
  objects.run('waker', wake_up(q));
  waiter.go();
  t.is(waiter.next, 'schedule');
  t.true(waiter.isBlocked);
});

test('a wake-up between prepare and sleep is not lost: it does not sleep', (t) => {
  const objects = objectsWith();
  const waiter = objects.start('t', wait_event(q, condition));
  waiter.step();
  waiter.step();
  waiter.step();
  t.is(waiter.next, 'schedule');
  objects.run('waker', makeReady());
  t.true(waiter.canStep());
});

test('a wake-up before prepare is lost, and harmless, because the condition is looked at after it', (t) => {
  const objects = objectsWith();
  const waiter = objects.start('t', wait_event(q, condition));
  waiter.step();
  t.is(waiter.next, 'prepare_to_wait_event');
  objects.run('waker', makeReady());
  t.is(waiter.go().status, 'ended');
});

test('a condition that is made true without a wake-up leaves the task asleep', (t) => {
  const objects = objectsWith();
  const waiter = objects.start('t', wait_event(q, condition)).go();
  objects.run('t2', store(ready, true));
  t.true(waiter.isBlocked);
});

test('a wake-up before the condition is made true leaves the task asleep', (t) => {
  const objects = objectsWith();
  const waiter = objects.start('t', wait_event(q, condition)).go();
  objects.run('waker', wake_up(q));
  waiter.go();
  objects.run('waker', store(ready, true));
  t.true(waiter.isBlocked);
});

test('one wake-up wakes all who wait', (t) => {
  const objects = objectsWith();
  const waiters = ['a', 'b'].map((name) => objects.start(name, wait_event(q, condition)).go());
  objects.run('waker', makeReady());
  t.deepEqual(
    waiters.map((waiter) => waiter.go().status),
    ['ended', 'ended'],
  );
});

const waits = {
  wait_event_interruptible: [wait_event_interruptible, { woken: 0, signal: -512 }],
  wait_event_timeout: [wait_event_timeout, { woken: 1, timeout: 0 }],
  wait_event_interruptible_timeout: [wait_event_interruptible_timeout, { woken: 1, timeout: 0, signal: -512 }],
} as const;

for (const [name, [wait, results]] of Object.entries(waits)) {
  const { woken, ...outs } = results;

  test(`${name} sleeps in one step with the ways out ${Object.keys(outs).join(', ')}`, (t) => {
    const waiter = objectsWith().start('t', wait(q, condition));
    for (let i = 0; i < 3; i++) waiter.step();
    t.is(waiter.next, 'schedule');
    t.deepEqual(waiter.ways, Object.keys(outs));
  });

  test(`${name} returns ${woken} where the condition holds`, (t) => {
    t.is(objectsWith(true).run('t', wait(q, condition)).result, woken);
  });

  for (const [out, result] of Object.entries(outs)) {
    test(`${name} returns ${result} after a ${out} while the condition does not hold`, (t) => {
      const objects = objectsWith();
      const waiter = objects.start('t', wait(q, condition));
      for (let i = 0; i < 3; i++) waiter.step();
      waiter.step(out);
      t.is(waiter.go().result, result);
      t.deepEqual(objects.at('vfio.release_q').context, { waiting: [], attached: [], woken: [] });
    });

    test(`${name} returns ${woken} after a ${out} if the condition holds by then`, (t) => {
      const objects = objectsWith();
      const waiter = objects.start('t', wait(q, condition));
      for (let i = 0; i < 3; i++) waiter.step();
      waiter.step(out);
      objects.run('waker', store(ready, true));
      t.is(waiter.go().result, woken);
    });
  }

  test(`${name} offers no way out once it is woken`, (t) => {
    const objects = objectsWith();
    const waiter = objects.start('t', wait(q, condition));
    for (let i = 0; i < 3; i++) waiter.step();
    objects.run('waker', wake_up(q));
    t.deepEqual(waiter.ways, ['woken']);
  });
}

test('whoever stays on the queue loses no wake-up, and one sleep uses up all that came before it', (t) => {
  const objects = objectsWith();
  objects.run('t', add_wait_queue(q));
  objects.run('waker', wake_up(q));
  objects.run('waker', wake_up(q));
  t.is(objects.run('t', wait_woken(q)).result, 'woken');
  t.true(objects.start('t', wait_woken(q)).isBlocked);
});

test('wait_woken offers its ways out only while nobody has woken it', (t) => {
  const objects = objectsWith();
  objects.run('t', add_wait_queue(q));
  t.deepEqual(objects.start('t', wait_woken(q, 'timeout', 'signal')).ways, ['timeout', 'signal']);
  objects.run('waker', wake_up(q));
  t.deepEqual(objects.start('t', wait_woken(q, 'timeout', 'signal')).ways, ['woken']);
});

test('after remove_wait_queue a wake-up leaves no trace', (t) => {
  const objects = objectsWith();
  objects.run('t', add_wait_queue(q));
  objects.run('t', remove_wait_queue(q));
  objects.run('waker', wake_up(q));
  t.deepEqual(objects.at('vfio.release_q').context, { waiting: [], attached: [], woken: [] });
});
