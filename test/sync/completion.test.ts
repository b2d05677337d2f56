/** A struct completion counts what is done; a wait takes one, or ends by time or signal while there is none. */
import test from 'ava';
import {
  complete,
  complete_all,
  reinit_completion,
  wait_for_completion,
  wait_for_completion_interruptible,
  wait_for_completion_interruptible_timeout,
  wait_for_completion_killable,
  wait_for_completion_timeout,
} from '../../actors/sync/completion.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { COMPLETED_FOR_ALL, type Completion, completion } from '../../machines/sync/completion.ts';
import { Objects, Subject } from './subject.ts';

const comp: Handle<Completion> = handleAt('device.comp');
const objectsWith = (done: number) => new Objects({ 'device.comp': completion(done) });

const rows: readonly (readonly [event: string, from: number, reply: boolean | null, to: number])[] = [
  ['complete', 0, null, 1],
  ['complete', 1, null, 2],
  ['complete', COMPLETED_FOR_ALL, null, COMPLETED_FOR_ALL],
  ['complete_all', 0, null, COMPLETED_FOR_ALL],
  ['complete_all', 2, null, COMPLETED_FOR_ALL],
  ['try_wait_for_completion', 0, false, 0],
  ['try_wait_for_completion', 2, true, 1],
  ['try_wait_for_completion', COMPLETED_FOR_ALL, true, COMPLETED_FOR_ALL],
  ['wait_for_completion', 1, null, 0],
  ['wait_for_completion', COMPLETED_FOR_ALL, null, COMPLETED_FOR_ALL],
  ['completion_done', 0, false, 0],
  ['completion_done', 1, true, 1],
  ['init_completion', 3, null, 0],
  ['reinit_completion', COMPLETED_FOR_ALL, null, 0],
];

for (const [event, from, reply, to] of rows)
  test(`${event} with ${from} done replies ${reply} and leaves ${to}`, (t) => {
    const subject = new Subject(completion(from));
    t.deepEqual(subject.say(event), { reply, splats: [], stops: false });
    t.deepEqual(subject.context, { done: to });
  });

test('a wait is blocked exactly while nothing is done', (t) => {
  t.deepEqual(
    [0, 1, COMPLETED_FOR_ALL].map((n) => new Subject(completion(n)).can('wait_for_completion')),
    [false, true, true],
  );
});

const waits = {
  wait_for_completion_timeout: [wait_for_completion_timeout, ['timeout'], { done: 1, timeout: 0 }],
  wait_for_completion_killable: [wait_for_completion_killable, ['signal'], { done: 0, signal: -512 }],
  wait_for_completion_interruptible: [wait_for_completion_interruptible, ['signal'], { done: 0, signal: -512 }],
  wait_for_completion_interruptible_timeout: [
    wait_for_completion_interruptible_timeout,
    ['timeout', 'signal'],
    { done: 1, timeout: 0, signal: -512 },
  ],
} as const;

for (const [name, [wait, outs, results]] of Object.entries(waits)) {
  test(`${name} is one step, which offers ${outs.join(' and ')} only while nothing is done`, (t) => {
    t.deepEqual(objectsWith(0).start('t', wait(comp)).ways, outs);
    t.deepEqual(objectsWith(1).start('t', wait(comp)).ways, ['done']);
  });

  for (const [way, result] of Object.entries(results))
    test(`${name} returns ${result} when it ends by "${way}"`, (t) => {
      const objects = objectsWith(way === 'done' ? 1 : 0);
      const waiter = objects.start('t', wait(comp));
      waiter.step(way);
      t.is(waiter.result, result);
      t.deepEqual(objects.at('device.comp').context, { done: 0 });
    });
}

test('one complete lets one of two waiters go', (t) => {
  const objects = objectsWith(0);
  const [first, second] = [objects.start('first', wait_for_completion(comp)), objects.start('second', wait_for_completion(comp))];
  t.deepEqual([first.isBlocked, second.isBlocked], [true, true]);
  objects.run('t', complete(comp));
  t.deepEqual([first.canStep(), second.canStep()], [true, true]);
  first.step();
  t.true(second.isBlocked);
});

test('complete_all lets all go, until it is initialised anew', (t) => {
  const objects = objectsWith(0);
  objects.run('t', complete_all(comp));
  for (const name of ['first', 'second']) t.is(objects.start(name, wait_for_completion(comp)).go().status, 'ended');
  objects.run('t', reinit_completion(comp));
  t.true(objects.start('third', wait_for_completion(comp)).isBlocked);
});

test('nine that nobody waits for are an error of the model', (t) => {
  const { range } = completion();
  t.deepEqual(
    [-1, 0, 8, 9, COMPLETED_FOR_ALL].map((done) => range({ done })),
    [false, true, true, false, true],
  );
});
