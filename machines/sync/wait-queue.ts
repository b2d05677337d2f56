/**
 * wait_queue_head_t (include/linux/wait.h, kernel/sched/wait.c, v6.1), and of each task that waits on it whether it
 * runs: the two change together, except that a task goes to sleep by its own doing.
 *
 * A task that has prepared to wait sleeps in `schedule` until a wake-up has taken it off the queue. A wake-up that comes
 * before it prepared wakes nobody: that is how one is lost, and why the condition is looked at in between. A task that
 * stays on the queue with add_wait_queue() and sleeps in `wait_woken` loses none: the queue keeps a flag for it.
 *
 * Left out: exclusive waiters, so that one wake-up wakes all; wake-ups that come from elsewhere; that a condition which
 * sleeps sets the task running again.
 */
import { assign } from 'xstate';
import { done, part, setupObject } from '../object.ts';
import { stamp } from './stamp.ts';

export type WaitQueue = {
  prepare_to_wait_event: object;
  schedule: object;
  finish_wait: object;
  add_wait_queue: object;
  wait_woken: object;
  remove_wait_queue: object;
  wake_up: object;
  /** The ways out of a sleep that nobody has ended. */
  timeout: object;
  signal: object;
};

/** Names of threads, in the order of the alphabet, so that two who come to wait commute. */
type Context = {
  /** They sleep, or are about to. */
  waiting: readonly string[];
  /** They are on the queue for good, and those of them for whom there was a wake-up since their last sleep. */
  attached: readonly string[];
  woken: readonly string[];
};

type Names = readonly string[];
const add = (set: Names, by: string): Names => (set.includes(by) ? set : [...set, by].toSorted());
const remove = (set: Names, by: string): Names => set.filter((name) => name !== by);

const machine = setupObject<Context, WaitQueue>()
  .extend({
    guards: {
      isWaiting: ({ context, event }) => context.waiting.includes(stamp(event)),
      runs: ({ context, event }) => !context.waiting.includes(stamp(event)),
      isWoken: ({ context, event }) => context.woken.includes(stamp(event)),
      sleepsAttached: ({ context, event }) => context.attached.includes(stamp(event)) && !context.woken.includes(stamp(event)),
    },
    actions: {
      wait: assign({ waiting: ({ context, event }) => add(context.waiting, stamp(event)) }),
      unwait: assign({ waiting: ({ context, event }) => remove(context.waiting, stamp(event)) }),
      attach: assign({ attached: ({ context, event }) => add(context.attached, stamp(event)) }),
      detach: assign({
        attached: ({ context, event }) => remove(context.attached, stamp(event)),
        woken: ({ context, event }) => remove(context.woken, stamp(event)),
      }),
      sleepAgain: assign({ woken: ({ context, event }) => remove(context.woken, stamp(event)) }),
      wake: assign({ waiting: [], woken: ({ context }) => context.attached }),
    },
  })
  .createMachine({
    id: 'wait_queue_head',
    context: ({ input }) => input,
    on: {
      prepare_to_wait_event: { actions: ['wait', done] },
      schedule: { guard: 'runs', actions: done },
      finish_wait: { actions: ['unwait', done] },
      add_wait_queue: { actions: ['attach', done] },
      wait_woken: { guard: 'isWoken', actions: ['sleepAgain', done] },
      remove_wait_queue: { actions: ['detach', done] },
      wake_up: { actions: ['wake', done] },
      timeout: [
        { guard: 'isWaiting', actions: ['unwait', done] },
        { guard: 'sleepsAttached', actions: done },
      ],
      signal: [
        { guard: 'isWaiting', actions: ['unwait', done] },
        { guard: 'sleepsAttached', actions: done },
      ],
    },
  });

export const wait_queue_head = () => part<WaitQueue, Context>(machine, { waiting: [], attached: [], woken: [] });
