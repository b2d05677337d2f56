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
  const ids = [...positions];
  const classes = new LockClasses(program.world);
  const known = new Map<string, Known>();
  for (const id of ids) {
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
  const inHandlers = [...known.values()].filter(({ usages }) => usages.has('in R') || usages.has('in W'));
  return inHandlers
    .map((each) => heldWithIrqsOn(program, ids, classes, each))
    .toSorted((a, b) => (a.lock.key < b.lock.key ? -1 : 1))
    .flatMap(conflictOf);
}

/**
 * A lock that is only ever taken with interrupts off may still be held where they are on, as after spin_unlock_irq() of
 * another (mark_held_locks()): it stands for an acquire there, if there is none.
 */
function heldWithIrqsOn(program: Program, positions: readonly number[], classes: LockClasses, { lock, usages }: Known): Known {
  const held = { 'on R': [] as Attempt[], 'on W': [] as Attempt[] };
  for (const id of positions) {
    const position = program.positions[id] as Position;
    if (isInHandler(position) || position.irqsOff || position.step === null) continue;
    const { type: event } = position.step.event;
    for (const { object, mode, subclass } of position.held)
      if (classes.of(object, subclass)?.key === lock.key)
        held[mode === 'shared' ? 'on R' : 'on W'].push({ id, position, holds: object, takes: object, event });
  }
  const more = Object.entries(held).filter(([, attempts]) => attempts.length > 0) as ['on R' | 'on W', Attempt[]][];
  return { lock, usages: new Map([...more, ...usages]) };
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
