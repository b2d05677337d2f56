/**
 * One CPU, as far as interrupts go (include/linux/irqflags.h, kernel/softirq.c, v6.1): who may run on it just now.
 *
 * The checker sends `run` with each step of a thread that is bound to this CPU, unless the step speaks to the CPU
 * itself: so each event here asks by itself whether its thread may run.
 *
 * Left out: nested interrupts, softirqs, and that a spinlock keeps its holder from being preempted: another thread of
 * the CPU that runs meanwhile could as well be on a CPU of its own.
 */
import { assign } from 'xstate';
import { done, part, reply, setupObject, splat } from '../object.ts';
import { stamp } from './stamp.ts';

export type Cpu = {
  run: object;
  irq_enter: object;
  irq_exit: object;
  local_irq_disable: object;
  local_irq_enable: object;
  /** The flags are whether interrupts were on. */
  local_irq_save: { reply: boolean };
  local_irq_restore: { with: { flags: boolean } };
};

type Context = {
  /** The thread that has turned interrupts off. */
  offBy: string | null;
  handler: string | null;
};

/** With interrupts off there is no preemption, and while a handler runs there is nobody else. */
const mayRun = ({ handler, offBy }: Context, event: object): boolean =>
  handler !== null ? handler === stamp(event) : offBy === null || offBy === stamp(event);

const enabledInHandler = splat({
  kind: 'warn',
  text: 'interrupts are turned on in a handler',
  prints: 'DEBUG_LOCKS_WARN_ON(lockdep_hardirq_context())',
});

const machine = setupObject<Context, Cpu>()
  .extend({
    guards: {
      mayRun: ({ context, event }) => mayRun(context, event),
      isQuiet: ({ context }) => context.handler === null && context.offBy === null,
      inHandler: ({ context, event }) => context.handler === stamp(event),
      areOffHere: ({ context, event }) => context.handler === stamp(event) || context.offBy === stamp(event),
      turnsOn: ({ context, event }) => mayRun(context, event) && event.type === 'local_irq_restore' && event.flags,
    },
    actions: {
      enter: assign({ handler: ({ event }) => stamp(event) }),
      exit: assign({ handler: null }),
      off: assign({ offBy: ({ event }) => stamp(event) }),
      on: assign({ offBy: null }),
    },
  })
  .createMachine({
    id: 'cpu',
    context: ({ input }) => input,
    on: {
      run: { guard: 'mayRun', actions: done },
      irq_enter: { guard: 'isQuiet', actions: ['enter', done] },
      irq_exit: { guard: 'mayRun', actions: ['exit', done] },
      // In a handler they are off already, and stay off until it ends.
      local_irq_disable: [
        { guard: 'inHandler', actions: done },
        { guard: 'mayRun', actions: ['off', done] },
      ],
      local_irq_enable: [
        { guard: 'inHandler', actions: enabledInHandler },
        { guard: 'mayRun', actions: ['on', done] },
      ],
      local_irq_save: [
        { guard: 'areOffHere', actions: reply(false) },
        { guard: 'mayRun', actions: ['off', reply(true)] },
      ],
      local_irq_restore: [
        { guard: 'turnsOn', actions: ['on', done] },
        { guard: 'mayRun', actions: done },
      ],
    },
  });

export const cpu = () => part<Cpu, Context>(machine, { offBy: null, handler: null });
