/** include/linux/kthread.h, kernel/sched/core.c: threads that other threads start and stop, v6.1. */
import type { Handle } from '../../machines/object.ts';
import type { Task } from '../../machines/sync/task.ts';
import { access, type Operation } from '../step.ts';

/** @returns whether it was woken by that */
export const wake_up_process = access<Task, 'wake_up_process'>('signal', 'wake_up_process');
export const kthread_should_stop = access<Task, 'kthread_should_stop'>('read', 'kthread_should_stop', {
  c: 'kthread_should_stop()',
});

const begin = access<Task, 'kthread'>('wait', 'kthread', { c: 'kthread(): woken for the first time' });
const exit = access<Task, 'kthread_exit'>('signal', 'kthread_exit');
const ask = access<Task, 'kthread_stop'>('signal', 'kthread_stop');
const wait = access<Task, 'wait_for_exit'>('wait', 'wait_for_exit', { c: 'wait_for_completion(&$.exited)' });

/** A declared thread from its start, for which it waits, to its end. One that is stopped before it ran never runs. */
export function* kthread(task: Handle<Task>, threadfn: () => Operation<unknown>): Operation {
  if (yield* begin(task)) yield* threadfn();
  yield* exit(task);
}

/** Asks it to stop, and waits until it has. */
export function* kthread_stop(task: Handle<Task>): Operation {
  yield* ask(task);
  yield* wait(task);
}
