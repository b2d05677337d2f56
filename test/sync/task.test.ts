/** A kernel thread stands still until it is woken for the first time. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { store } from '../../actors/sync/memory.ts';
import { kthread, kthread_should_stop, kthread_stop, wake_up_process } from '../../actors/sync/task.ts';
import { type Handle, handleAt } from '../../machines/object.ts';
import { type Field, field } from '../../machines/sync/field.ts';
import { type Task, task_struct } from '../../machines/sync/task.ts';
import { Objects } from './subject.ts';

const task: Handle<Task> = handleAt('worker.task');
const ran: Handle<Field<boolean>> = handleAt('worker.ran');
const machine = () => new Objects({ 'worker.task': task_struct(), 'worker.ran': field<boolean>(false) });
const threadfn = (): Operation => store(ran, true);

test('it runs once it is woken', (t) => {
  const objects = machine();
  const thread = objects.start('worker', kthread(task, threadfn));
  t.true(thread.isBlocked);
  t.deepEqual(
    [1, 2].map(() => objects.run('t', wake_up_process(task)).result),
    [true, false],
  );
  t.is(thread.go().status, 'ended');
  t.deepEqual(objects.at('worker.ran').context, { value: true });
});

test('kthread_stop asks it to stop and waits until it has', (t) => {
  const objects = machine();
  const thread = objects.start('worker', kthread(task, threadfn));
  objects.run('t', wake_up_process(task));
  thread.step();
  t.false(objects.run('worker', kthread_should_stop(task)).result);
  const stopper = objects.start('t', kthread_stop(task)).go();
  t.true(stopper.isBlocked);
  t.true(objects.run('worker', kthread_should_stop(task)).result);
  thread.go();
  t.is(stopper.go().status, 'ended');
});

test('one that is stopped before it was ever woken never runs', (t) => {
  const objects = machine();
  const thread = objects.start('worker', kthread(task, threadfn));
  const stopper = objects.start('t', kthread_stop(task)).go();
  thread.go();
  t.is(stopper.go().status, 'ended');
  t.deepEqual(objects.at('worker.ran').context, { value: false });
});
