/** A struct mutex has one owner, and only the owner unlocks it. */
import test from 'ava';
import { mutex_lock, mutex_lock_interruptible, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { Objects, Subject } from './subject.ts';

const lock: Handle<Mutex> = handleAt('device.lock');
const BAD_UNLOCK = 'unlock-imbalance: WARNING: bad unlock balance detected!';

test('while one thread holds it, another waits and a trylock says no', (t) => {
  const objects = new Objects({ 'device.lock': mutex() });
  objects.run('a', mutex_lock(lock));
  const b = objects.start('b', mutex_lock(lock));
  t.true(b.isBlocked);
  t.false(objects.run('c', mutex_trylock(lock)).result);
  objects.run('a', mutex_unlock(lock));
  t.true(b.canStep());
});

test('it is not recursive', (t) => {
  const objects = new Objects({ 'device.lock': mutex() });
  objects.run('a', mutex_lock(lock));
  t.true(objects.start('a', mutex_lock(lock)).isBlocked);
});

test('whoever unlocks a lock that is free or another’s is told so, and it stays as it is', (t) => {
  const subject = new Subject(mutex());
  t.deepEqual(subject.tell(['mutex_unlock', { by: 'a' }], ['mutex_lock', { by: 'a' }], ['mutex_unlock', { by: 'b' }]), [
    BAD_UNLOCK,
    null,
    BAD_UNLOCK,
  ]);
  t.deepEqual(subject.context, { owner: 'a' });
});

test('a signal ends the wait for it, but only a wait', (t) => {
  const objects = new Objects({ 'device.lock': mutex() });
  t.deepEqual(objects.start('b', mutex_lock_interruptible(lock)).ways, ['locked']);
  objects.run('a', mutex_lock(lock));
  const b = objects.start('b', mutex_lock_interruptible(lock));
  t.deepEqual(b.ways, ['signal']);
  b.step('signal');
  t.is(b.result, -4);
});

test('mutex_is_locked says whether anybody holds it', (t) => {
  t.deepEqual(new Subject(mutex()).tell('mutex_is_locked', ['mutex_lock', { by: 'a' }], 'mutex_is_locked'), [false, null, true]);
});

test('it is freed by who holds it: the kernel warns; by another, it does not look', (t) => {
  const freedBy = (by: string) => new Subject(mutex()).tell(['mutex_lock', { by: 'a' }], ['kfree', { by }])[1];
  t.is(freedBy('a'), 'warn: WARNING: held lock freed!');
  t.is(freedBy('b'), 'warn: (silence)');
});

test('who has got it by mutex_trylock holds it like any other', (t) => {
  const subject = new Subject(mutex());
  t.deepEqual(subject.tell(['mutex_trylock', { by: 'a' }]), [true]);
  t.deepEqual([subject.state, subject.context], ['locked', { owner: 'a' }]);
  t.false(subject.can('mutex_lock', { by: 'b' }));
  t.deepEqual(subject.tell(['mutex_unlock', { by: 'a' }]), [null]);
  t.deepEqual([subject.state, subject.context], ['unlocked', { owner: null }]);
});
