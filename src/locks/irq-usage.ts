/**
 * Locks that an interrupt handler waits for, and that others hold with interrupts on: the handler may come on the very CPU
 * whose thread holds the lock, and that thread does not run again before the handler has ended. Usage bits of lockdep
 * (mark_usage() in kernel/locking/lockdep.c, v6.1), as far as hardirqs go.
 */
import type { Position, Program } from '../tables/program.ts';
import { type LockClass, LockClasses } from './lock-class.ts';
import { type Attempt, acquiresAt } from './lock-edges.ts';
import { blocks } from '../model/held.ts';

/** One way in which a lock is taken. */
export interface Usage {
  readonly shared: boolean;
  readonly attempts: readonly Attempt[];
}

export interface IrqConflict {
  readonly lock: LockClass;
  readonly inHandler: Usage;
  readonly withIrqsOn: Usage;
}

interface Known {
  readonly lock: LockClass;
  readonly usages: Map<'in R' | 'in W' | 'on R' | 'on W', Attempt[]>;
}

const isInHandler = ({ held }: Position): boolean => held.some(({ interrupt }) => interrupt);

/** @param positions those that count, by number; all that are known, unless it is said */
export function irqConflicts(program: Program, positions: Iterable<number> = program.positions.keys()): readonly IrqConflict[] {
  const classes = new LockClasses(program.world);
  const known = new Map<string, Known>();
  for (const id of positions) {
    const position = program.positions[id] as Position;
    const inHandler = isInHandler(position);
    if (!inHandler && position.irqsOff) continue;
    for (const { path, means, event } of acquiresAt(program, position)) {
      const lock = classes.of(path, means.subclass ?? 0);
      if (lock === null || (inHandler && !blocks(means))) continue;
      const usage = `${inHandler ? 'in' : 'on'} ${means.mode === 'shared' ? 'R' : 'W'}` as const;
      const { usages } = known.get(lock.key) ?? { usages: new Map() };
      known.set(lock.key, { lock, usages });
      usages.set(usage, [...(usages.get(usage) ?? []), { id, position, holds: path, takes: path, event }]);
    }
  }
  return [...known.values()].toSorted((a, b) => (a.lock.key < b.lock.key ? -1 : 1)).flatMap(conflictOf);
}

/** Two readers do not hold each other up. */
function conflictOf({ lock, usages }: Known): readonly IrqConflict[] {
  for (const [inside, outside] of [
    ['in W', 'on W'],
    ['in W', 'on R'],
    ['in R', 'on W'],
  ] as const) {
    const [handler, others] = [usages.get(inside), usages.get(outside)];
    if (handler === undefined || others === undefined) continue;
    const usageOf = (attempts: readonly Attempt[], shared: boolean): Usage => ({ shared, attempts });
    return [{ lock, inHandler: usageOf(handler, inside === 'in R'), withIrqsOn: usageOf(others, outside === 'on R') }];
  }
  return [];
}
