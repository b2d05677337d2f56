/** include/linux/spinlock.h: the calls on a spinlock_t. Its holder must not sleep. */
import type { Handle } from '../../machines/object.ts';
import type { Cpu } from '../../machines/sync/cpu.ts';
import type { Spinlock } from '../../machines/sync/spinlock.ts';
import { access, message, type Operation, send } from '../step.ts';
import { local_irq_disable, local_irq_enable, local_irq_restore, local_irq_save } from './cpu.ts';

export const spin_lock = access<Spinlock, 'spin_lock'>({ kind: 'acquire', atomic: true }, 'spin_lock');
export const spin_trylock = access<Spinlock, 'spin_trylock'>({ kind: 'acquire', atomic: true, try: true }, 'spin_trylock');
export const spin_unlock = access<Spinlock, 'spin_unlock'>('release', 'spin_unlock');

/** @param subclass what tells it, for lock order, from another lock of its class that the caller holds */
export const spin_lock_nested = (lock: Handle<Spinlock>, subclass: number): Operation =>
  send(
    message<Spinlock, 'spin_lock'>({ kind: 'acquire', atomic: true, subclass }, lock, 'spin_lock', undefined, {
      c: `spin_lock_nested(&$, ${subclass})`,
    }),
  );

/** It spins with interrupts off, as in C. @returns the flags */
export function* spin_lock_irqsave(lock: Handle<Spinlock>, cpu: Handle<Cpu>): Operation<boolean> {
  const flags = yield* local_irq_save(cpu);
  yield* spin_lock(lock);
  return flags;
}

export function* spin_unlock_irqrestore(lock: Handle<Spinlock>, cpu: Handle<Cpu>, flags: boolean): Operation {
  yield* spin_unlock(lock);
  yield* local_irq_restore(cpu, flags);
}

export function* spin_lock_irq(lock: Handle<Spinlock>, cpu: Handle<Cpu>): Operation {
  yield* local_irq_disable(cpu);
  yield* spin_lock(lock);
}

export function* spin_unlock_irq(lock: Handle<Spinlock>, cpu: Handle<Cpu>): Operation {
  yield* spin_unlock(lock);
  yield* local_irq_enable(cpu);
}
