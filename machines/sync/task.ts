/**
 * struct task_struct of a kernel thread (include/linux/kthread.h, kernel/kthread.c, v6.1): a thread that is made stands
 * still until it is woken for the first time, and may be asked to stop.
 *
 * Left out: parking; being woken later, which is what the waits of a thread are enabled by.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';

export type Task = {
  wake_up_process: { reply: boolean };
  /** The thread's own first step: whether it is to run at all. */
  kthread: { reply: boolean };
  kthread_should_stop: { reply: boolean };
  kthread_exit: object;
  /** It asks, and wakes; then it waits for the thread to exit. */
  kthread_stop: object;
  wait_for_exit: object;
};

type Context = { shouldStop: boolean };

const machine = setupObject<Context, Task>()
  .extend({
    guards: { isToStop: ({ context }) => context.shouldStop },
    actions: { ask: assign({ shouldStop: true }) },
  })
  .createMachine({
    id: 'task',
    context: ({ input }) => input,
    initial: 'new',
    on: {
      wake_up_process: { actions: reply(false) },
      kthread_should_stop: [{ guard: 'isToStop', actions: reply(true) }, { actions: reply(false) }],
      kthread_stop: { actions: ['ask', done] },
    },
    states: {
      new: {
        on: {
          wake_up_process: { target: 'woken', actions: reply(true) },
          kthread_stop: { target: 'woken', actions: ['ask', done] },
        },
      },
      woken: {
        on: {
          kthread: [
            { guard: 'isToStop', target: 'running', actions: reply(false) },
            { target: 'running', actions: reply(true) },
          ],
        },
      },
      running: { on: { kthread_exit: { target: 'exited', actions: done } } },
      exited: { on: { wait_for_exit: { actions: done } } },
    },
  });

export const task_struct = () => part<Task, Context>(machine, { shouldStop: false });
