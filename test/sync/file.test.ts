/** A file is released once, at its last fput, on the way back to user space. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { __fput_sync, fget, file_count, fput, get_file } from '../../actors/sync/file.ts';
import { store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type Handle, handleAt, NULL, type Null } from '../../machines/object.ts';
import { type Field, pointer } from '../../machines/sync/field.ts';
import { type FileRef, file_ref } from '../../machines/sync/file.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { Objects, Subject } from './subject.ts';

type File = { readonly path: string; readonly f_count: Handle<FileRef> };
const file = handleAt<File>('file');
const fd: Handle<Field<File | Null>> = handleAt('task.fd');
const lock: Handle<Mutex> = handleAt('kvm.lock');

const opened = (references = 1) =>
  new Objects({
    'file.f_count': file_ref(references),
    'task.fd': pointer<File>({ at: 'file' }),
    'kvm.lock': mutex(),
    'file.released': mutex(),
  });

/** A release function whose step shows in the list of steps. */
const release = () => mutex_lock(handleAt<Handle<Mutex>>('file.released'));

test('the last fput releases after the locks that its caller holds are gone', (t) => {
  function* delete_file(): Operation {
    yield* mutex_lock(lock);
    yield* fput(file.f_count, release);
    yield* mutex_unlock(lock);
  }
  t.deepEqual(opened().run('t', delete_file()).steps, ['mutex_lock', 'fput', 'mutex_unlock', 'mutex_lock']);
});

test('__fput_sync releases at once', (t) => {
  t.deepEqual(opened().run('t', __fput_sync(file.f_count, release)).steps, ['fput', 'mutex_lock']);
});

test('while somebody else holds it, it is not released', (t) => {
  const objects = opened();
  objects.run('t', get_file(file.f_count));
  t.deepEqual(objects.run('t', fput(file.f_count, release)).steps, ['fput']);
  t.is(objects.run('t', file_count(file.f_count)).result, 1);
});

test('fget takes a reference to what the descriptor leads to', (t) => {
  const objects = opened();
  t.is(objects.run('t', fget(fd)).result, file);
  t.is(objects.run('t', file_count(file.f_count)).result, 2);
});

test('fget of a closed descriptor is NULL', (t) => {
  const objects = opened();
  objects.run('t', store(fd, NULL));
  t.is(objects.run('t', fget(fd)).result, NULL);
});

test('between the look at the descriptor and the reference the last one may be put: NULL', (t) => {
  const objects = opened();
  const user = objects.start('user', fget(fd));
  user.step();
  objects.run('closer', fput(file.f_count, release));
  user.go();
  t.is(user.result, NULL);
  t.deepEqual(objects.splats, []);
});

test('more than 64 references are an error of the model', (t) => {
  const { range } = file_ref();
  t.deepEqual(
    [-1, 0, 64, 65].map((f_count) => range({ f_count })),
    [false, true, true, false],
  );
});

test('misuse that the kernel does not notice is said to be silent', (t) => {
  const subject = new Subject(file_ref(0));
  t.deepEqual(subject.tell('get_file', 'fput', 'get_file_rcu'), ['refcount: (silence)', 'refcount: (silence) -> false', false]);
  t.deepEqual(subject.context, { f_count: 0 });
});
