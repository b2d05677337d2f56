/** What a finished search tells of the locking of a variant: what the design review is written from. */
import type { Explored } from '../explore/plain-search.ts';
import { observe } from './accesses.ts';
import { type GuardedField, guardedBy } from './guarded-by.ts';
import { type LockFacts, lockFacts } from './lock-facts.ts';
import { type LockOrder, lockOrder } from './lock-order.ts';

export interface Locking {
  readonly fields: readonly GuardedField[];
  readonly locks: readonly LockFacts[];
  readonly order: LockOrder;
  /** The states in which no finding has come before, which is where everything was counted. */
  readonly states: number;
  /** All of them were stored: else the counts are of those that the reduction has left. */
  readonly isWhole: boolean;
}

/** @param isWhole every state is among those that were stored, but for a cut */
export function lockingOf(explored: Explored, isWhole: boolean): Locking {
  const observed = observe(explored, isWhole);
  return {
    fields: guardedBy(observed),
    locks: lockFacts(observed),
    order: lockOrder(observed),
    states: observed.visits.states,
    isWhole,
  };
}
