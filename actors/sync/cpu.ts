/** include/linux/irqflags.h: interrupts on and off on a CPU, and the frame of an interrupt handler. */
import type { Handle } from '../../machines/object.ts';
import type { Cpu } from '../../machines/sync/cpu.ts';
import { access, message, type Operation, send } from '../step.ts';

const own = { kind: 'update', stamped: true } as const;

/** A handler has its CPU to itself until it ends, and must not sleep. */
export const irq_enter = access<Cpu, 'irq_enter'>({ kind: 'acquire', atomic: true, interrupt: true }, 'irq_enter');
export const irq_exit = access<Cpu, 'irq_exit'>('release', 'irq_exit');
export const local_irq_disable = access<Cpu, 'local_irq_disable'>({ ...own, irqs: 'off' }, 'local_irq_disable', {
  c: 'local_irq_disable()',
});
export const local_irq_enable = access<Cpu, 'local_irq_enable'>({ ...own, irqs: 'on' }, 'local_irq_enable', {
  c: 'local_irq_enable()',
});

/** @returns whether they were on, for local_irq_restore() */
export const local_irq_save = access<Cpu, 'local_irq_save'>({ ...own, irqs: 'off' }, 'local_irq_save', {
  c: 'local_irq_save(flags)',
});

export const local_irq_restore = (cpu: Handle<Cpu>, flags: boolean): Operation =>
  send(
    message<Cpu, 'local_irq_restore'>(
      { ...own, irqs: 'restore' },
      cpu,
      'local_irq_restore',
      { flags },
      { c: 'local_irq_restore(flags)' },
    ),
  );

/** An interrupt handler from its first step to its last, as the thread of a scenario that is bound to the CPU. */
export function* interrupt(cpu: Handle<Cpu>, handler: () => Operation<unknown>): Operation {
  yield* irq_enter(cpu);
  yield* handler();
  yield* irq_exit(cpu);
}
