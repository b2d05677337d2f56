/** A struct rw_semaphore: many readers or one writer, and a writer that waits holds off those who come to read. */
import test from 'ava';
import {
  down_read,
  down_read_killable,
  down_read_trylock,
  down_write,
  down_write_killable,
  down_write_trylock,
  up_read,
  up_write,
} from '../../actors/sync/rwsem.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { type Rwsem, rwsem } from '../../machines/sync/rwsem.ts';
import { Objects, Subject } from './subject.ts';

const sem: Handle<Rwsem> = handleAt('group.group_rwsem');
const BAD_UNLOCK = 'unlock-imbalance: WARNING: bad unlock balance detected!';
const semaphore = () => new Objects({ 'group.group_rwsem': rwsem() });
const state = (objects: Objects) => objects.at('group.group_rwsem').context;

test('readers share it', (t) => {
  const objects = semaphore();
  objects.run('b', down_read(sem));
  objects.run('a', down_read(sem));
  t.deepEqual(state(objects), { writer: null, readers: ['a', 'b'], waitingWriters: 0 });
});

test('while it is read, a writer queues in one step and blocks in the next', (t) => {
  const objects = semaphore();
  objects.run('reader', down_read(sem));
  const writer = objects.start('writer', down_write(sem));
  t.is(writer.next, 'down_write');
  writer.step();
  t.is(writer.next, 'rwsem_down_write_slowpath');
  t.true(writer.isBlocked);
  objects.run('reader', up_read(sem));
  writer.go();
  t.is(writer.status, 'ended');
  t.deepEqual(state(objects), { writer: 'writer', readers: [], waitingWriters: 0 });
});

test('a free lock is taken for writing in one step', (t) => {
  t.deepEqual(semaphore().run('writer', down_write(sem)).steps, ['down_write']);
});

test('a writer that waits holds off new readers, and one reader that comes twice waits for ever', (t) => {
  const objects = semaphore();
  objects.run('reader', down_read(sem));
  const writer = objects.start('writer', down_write(sem)).go();
  const again = objects.start('reader', down_read(sem));
  t.deepEqual([writer.isBlocked, again.isBlocked], [true, true]);
});

test('before the writer has come, the same reader may come twice', (t) => {
  const objects = semaphore();
  objects.run('reader', down_read(sem));
  objects.run('reader', down_read(sem));
  objects.run('reader', up_read(sem));
  t.deepEqual(state(objects), { writer: null, readers: ['reader'], waitingWriters: 0 });
});

test('a writer that is killed leaves the queue, and readers may come again', (t) => {
  const objects = semaphore();
  objects.run('reader', down_read(sem));
  const writer = objects.start('writer', down_write_killable(sem));
  writer.step();
  t.true(objects.start('late', down_read(sem)).isBlocked);
  t.deepEqual(writer.ways, ['killed']);
  writer.step('killed');
  t.is(writer.result, -4);
  t.true(objects.start('late', down_read(sem)).canStep());
});

test('a reader may be killed only while it waits', (t) => {
  const objects = semaphore();
  t.deepEqual(objects.start('reader', down_read_killable(sem)).ways, ['granted']);
  objects.run('writer', down_write(sem));
  const reader = objects.start('reader', down_read_killable(sem));
  t.deepEqual(reader.ways, ['killed']);
  reader.step('killed');
  t.is(reader.result, -4);
});

test('when it has come free while a writer waits, a reader may go first, and another writer queues', (t) => {
  const objects = semaphore();
  objects.run('reader', down_read(sem));
  const writer = objects.start('writer', down_write(sem)).go();
  t.true(objects.start('late', down_read(sem)).isBlocked);
  objects.run('reader', up_read(sem));
  t.true(objects.start('late', down_read(sem)).canStep());
  t.deepEqual(objects.start('late', down_read_killable(sem)).ways, ['granted']);
  const second = objects.start('second', down_write(sem));
  second.step();
  t.is(second.next, 'rwsem_down_write_slowpath');
  t.deepEqual(state(objects), { writer: null, readers: [], waitingWriters: 2 });
  writer.go();
  t.true(second.isBlocked);
  t.deepEqual(state(objects), { writer: 'writer', readers: [], waitingWriters: 1 });
});

test('who has got it by a trylock holds it like any other', (t) => {
  const objects = semaphore();
  objects.run('a', down_write_trylock(sem));
  t.deepEqual(state(objects), { writer: 'a', readers: [], waitingWriters: 0 });
  objects.run('a', up_write(sem));
  objects.run('a', down_read_trylock(sem));
  objects.run('b', down_read_trylock(sem));
  t.deepEqual(state(objects), { writer: null, readers: ['a', 'b'], waitingWriters: 0 });
  objects.run('a', up_read(sem));
  objects.run('b', up_read(sem));
  t.is(objects.at('group.group_rwsem').state, 'free');
  t.deepEqual(objects.splats, []);
});

/** What the trylocks give, and who could get it without waiting. */
const situations: readonly [name: string, prepare: (o: Objects) => void, read: boolean, write: boolean][] = [
  ['it is free', () => {}, true, true],
  ['it is read', (o) => o.run('r', down_read(sem)), true, false],
  ['it is written', (o) => o.run('w', down_write(sem)), false, false],
  [
    'it is read and a writer waits',
    (o) => {
      o.run('r', down_read(sem));
      o.run('w', down_write(sem));
    },
    false,
    false,
  ],
  [
    'it is free and a writer waits',
    (o) => {
      o.run('r', down_read(sem));
      o.run('w', down_write(sem));
      o.run('r', up_read(sem));
    },
    false,
    false,
  ],
];

for (const [name, prepare, read, write] of situations)
  test(`where ${name}, down_read_trylock gives ${read} and down_write_trylock ${write}`, (t) => {
    const tried = (operation: ReturnType<typeof down_read_trylock>) => {
      const objects = semaphore();
      prepare(objects);
      return objects.run('tries', operation).result;
    };
    t.is(tried(down_read_trylock(sem)), read);
    t.is(tried(down_write_trylock(sem)), write);
  });

test('who unlocks what it does not hold is told so, and changes nothing', (t) => {
  const objects = semaphore();
  objects.run('stranger', up_read(sem));
  objects.run('stranger', up_write(sem));
  objects.run('reader', down_read(sem));
  objects.run('stranger', up_read(sem));
  objects.run('reader', up_write(sem));
  t.deepEqual(objects.splats, [BAD_UNLOCK, BAD_UNLOCK, BAD_UNLOCK, BAD_UNLOCK]);
  objects.run('reader', up_read(sem));
  objects.run('writer', down_write(sem));
  objects.run('stranger', up_write(sem));
  t.is(objects.splats.length, 5);
  t.deepEqual(state(objects), { writer: 'writer', readers: [], waitingWriters: 0 });
});

test('two writers that wait get it one after the other, in either order', (t) => {
  const objects = semaphore();
  objects.run('reader', down_read(sem));
  const writers = ['first', 'second'].map((name) => objects.start(name, down_write(sem)).go());
  objects.run('reader', up_read(sem));
  t.deepEqual(
    writers.map((writer) => writer.canStep()),
    [true, true],
  );
  writers[1]?.step();
  t.deepEqual(
    writers.map((writer) => writer.canStep()),
    [false, false],
  );
  objects.run('second', up_write(sem));
  t.true(writers[0]?.canStep());
});

test('a lock that is freed while it is held is a warning, a free lock is not', (t) => {
  const subject = new Subject(rwsem());
  t.deepEqual(subject.tell('kfree'), [null]);
  t.deepEqual(subject.tell(['down_read', { by: 'a' }], ['kfree', { by: 'a' }]), [null, 'warn: WARNING: held lock freed!']);
  t.deepEqual(subject.tell(['kfree', { by: 'b' }]), ['warn: (silence)']);
});

test('rwsem_is_locked is true for readers and writers', (t) => {
  const subject = new Subject(rwsem());
  const by = { by: 'a' };
  t.deepEqual(
    subject.tell('rwsem_is_locked', ['down_read', by], 'rwsem_is_locked', ['up_read', by], ['down_write', by], 'rwsem_is_locked'),
    [false, null, true, null, true, true],
  );
});
