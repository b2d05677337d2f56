/** refcount_t and struct kref: the last put releases, and a counter that was misused is poisoned. */
import test from 'ava';
import { kfree, type Operation } from '../../actors/step.ts';
import { kref_get, kref_get_unless_zero, kref_init, kref_put, kref_put_mutex, kref_read } from '../../actors/sync/kref.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { type Kref, kref } from '../../machines/sync/kref.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { REFCOUNT_SATURATED, refcount } from '../../machines/sync/refcount.ts';
import { Objects, Subject } from './subject.ts';

const ADDITION = 'refcount: refcount_t: addition on 0; use-after-free.';
const UNDERFLOW = 'refcount: refcount_t: underflow; use-after-free.';
const HIT_0 = 'refcount: refcount_t: decrement hit 0; leaking memory.';
const SATURATED = 'refcount: refcount_t: saturated; leaking memory.';
const LOST = 'refcount: (silence)';
const POISON = REFCOUNT_SATURATED;

type Row = readonly [event: string, from: number, gives: unknown, to: number, n?: number];
const rows: readonly Row[] = [
  ['refcount_inc', 1, null, 2],
  ['refcount_inc', 0, ADDITION, POISON],
  ['refcount_inc_not_zero', 1, true, 2],
  ['refcount_inc_not_zero', 0, false, 0],
  ['refcount_dec', 2, null, 1],
  ['refcount_dec', 1, HIT_0, POISON],
  ['refcount_dec', 0, HIT_0, POISON],
  ['refcount_dec_and_test', 2, false, 1],
  ['refcount_dec_and_test', 1, true, 0],
  ['refcount_dec_and_test', 0, `${UNDERFLOW} -> false`, POISON],
  ['refcount_dec_not_one', 2, true, 1],
  ['refcount_dec_not_one', 1, false, 1],
  ['refcount_dec_not_one', 0, `${UNDERFLOW} -> true`, 0],
  ['refcount_set', 0, null, 1, 1],
  ['refcount_set', 1, null, 2, 2],
  ['refcount_set', 2, LOST, 1, 1],
  ['refcount_set', 0, null, 0, 0],
  ['refcount_set', 2, LOST, 0, 0],
  ['refcount_read', 2, 2, 2],
];

for (const [event, from, gives, to, n] of rows)
  test(`${event}${n === undefined ? '' : `(${n})`} on ${from} gives ${String(gives)} and leaves ${to}`, (t) => {
    const subject = new Subject(refcount(from));
    t.deepEqual(subject.tell([event, n === undefined ? {} : { n }]), [gives]);
    t.deepEqual(subject.context, { n: to });
  });

test('a poisoned counter never moves again: the object leaks', (t) => {
  const subject = new Subject(refcount(0));
  t.deepEqual(
    subject.tell(
      'refcount_inc',
      'refcount_inc',
      'refcount_inc_not_zero',
      'refcount_dec',
      'refcount_dec_and_test',
      'refcount_dec_not_one',
      'refcount_read',
    ),
    [ADDITION, SATURATED, `${SATURATED} -> true`, HIT_0, `${UNDERFLOW} -> false`, true, POISON],
  );
});

test('a set to 0 is what any 0 is: it cannot be got', (t) => {
  const subject = new Subject(refcount(2));
  t.deepEqual(subject.tell(['refcount_set', { n: 0 }], 'refcount_inc_not_zero', 'refcount_inc'), [LOST, false, ADDITION]);
  t.deepEqual(subject.tell(['refcount_set', { n: 0 }], 'refcount_inc_not_zero'), [null, false], 'and of a poisoned one, too');
});

test('more than 64 references are an error of the model', (t) => {
  const { range } = refcount();
  t.deepEqual(
    [-1, 0, 64, 65, POISON].map((n) => range({ n })),
    [false, true, true, false, true],
  );
});

test('a set brings a poisoned counter back to life', (t) => {
  const subject = new Subject(refcount(0));
  t.deepEqual(subject.tell('refcount_inc', ['refcount_set', { n: 1 }], 'refcount_dec_and_test'), [ADDITION, null, true]);
});

const ref: Handle<Kref> = handleAt('group.kref');
const lock: Handle<Mutex> = handleAt('vfio.group_lock');
const held = (n: number) => new Objects({ 'group.kref': kref(n), 'vfio.group_lock': mutex() });

function* release(): Operation {
  yield* kfree(handleAt('group'));
}

function* release_and_unlock(): Operation {
  yield* kfree(handleAt('group'));
  yield* mutex_unlock(lock);
}

test('a kref starts at 1, and is got and put', (t) => {
  const objects = new Objects({ 'group.kref': kref(0) });
  objects.run('t', kref_init(ref));
  objects.run('t', kref_get(ref));
  t.is(objects.run('t', kref_read(ref)).result, 2);
  t.is(objects.run('t', kref_put(ref, release)).result, false);
  t.true(objects.run('t', kref_get_unless_zero(ref)).result);
  t.is(objects.run('t', kref_read(ref)).result, 2);
});

test('the last kref_put releases, in the thread that put', (t) => {
  const { result, steps } = held(1).run('t', kref_put(ref, release));
  t.true(result);
  t.deepEqual(steps, ['refcount_dec_and_test', 'kfree']);
});

test('kref_put_mutex puts all but the last reference without the lock', (t) => {
  const objects = held(2);
  const { result, steps } = objects.run('t', kref_put_mutex(ref, release_and_unlock, lock));
  t.false(result);
  t.deepEqual(steps, ['refcount_dec_not_one']);
});

test('kref_put_mutex puts the last one under the lock, and releases with the lock held', (t) => {
  const { result, steps } = held(1).run('t', kref_put_mutex(ref, release_and_unlock, lock));
  t.true(result);
  t.deepEqual(steps, ['refcount_dec_not_one', 'mutex_lock', 'refcount_dec_and_test', 'kfree', 'mutex_unlock']);
});

test('who takes a reference under the lock before that saves the object', (t) => {
  const objects = held(1);
  const finder = objects.start(
    'finder',
    (function* () {
      yield* mutex_lock(lock);
      yield* kref_get(ref);
      yield* mutex_unlock(lock);
    })(),
  );
  const putter = objects.start('putter', kref_put_mutex(ref, release_and_unlock, lock));
  putter.step();
  finder.step();
  t.true(putter.isBlocked, 'it waits for the lock');
  finder.go();
  putter.go();
  t.is(putter.result, false);
  t.deepEqual(objects.at('group.kref').context, { n: 1 });
  t.deepEqual(objects.at('vfio.group_lock').state, 'unlocked');
  t.deepEqual(objects.splats, []);
});

test('a kref that is got after the last put is an addition on 0', (t) => {
  const objects = new Objects({ 'group.kref': kref(0) });
  objects.run('t', kref_get(ref));
  t.deepEqual(objects.splats, [ADDITION]);
});
