/**
 * struct completion (include/linux/completion.h, kernel/sched/completion.c, v6.1): a count of what is done, of which each
 * wait takes one.
 *
 * A wait and its ways out are alternatives of one step. Time and signals end it only while nothing is done: the kernel
 * looks at the count once more before it returns.
 *
 * Left out: how long anything takes, so that a wait that succeeds has one jiffy left; more than `most` completions that
 * nobody waits for, which is an error of the model.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject } from '../object.ts';

export type Completion = {
  init_completion: object;
  reinit_completion: object;
  complete: object;
  complete_all: object;
  try_wait_for_completion: { reply: boolean };
  wait_for_completion: object;
  completion_done: { reply: boolean };
  timeout: object;
  signal: object;
};

/** UINT_MAX: done for all who will ever wait. */
export const COMPLETED_FOR_ALL = 4294967295;
const most = 8;

type Context = { done: number };

const machine = setupObject<Context, Completion>()
  .extend({
    guards: {
      isDone: ({ context }) => context.done > 0,
      isDoneForAll: ({ context }) => context.done === COMPLETED_FOR_ALL,
      isNotDone: ({ context }) => context.done === 0,
    },
    actions: {
      reset: assign({ done: 0 }),
      addOne: assign({ done: ({ context }) => context.done + 1 }),
      addAll: assign({ done: COMPLETED_FOR_ALL }),
      takeOne: assign({ done: ({ context }) => (context.done === COMPLETED_FOR_ALL ? context.done : context.done - 1) }),
    },
  })
  .createMachine({
    id: 'completion',
    context: ({ input }) => input,
    on: {
      init_completion: { actions: ['reset', done] },
      reinit_completion: { actions: ['reset', done] },
      complete: [{ guard: 'isDoneForAll', actions: done }, { actions: ['addOne', done] }],
      complete_all: { actions: ['addAll', done] },
      try_wait_for_completion: [{ guard: 'isDone', actions: ['takeOne', reply(true)] }, { actions: reply(false) }],
      wait_for_completion: { guard: 'isDone', actions: ['takeOne', done] },
      completion_done: [{ guard: 'isDone', actions: reply(true) }, { actions: reply(false) }],
      timeout: { guard: 'isNotDone', actions: done },
      signal: { guard: 'isNotDone', actions: done },
    },
  });

export const completion = (count = 0) =>
  part<Completion, Context>(
    machine,
    { done: count },
    { range: (at) => at.done === COMPLETED_FOR_ALL || (at.done >= 0 && at.done <= most) },
  );
