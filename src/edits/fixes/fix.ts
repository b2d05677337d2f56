/** A fix that was tried, and holds: what a review shows of it. Goes through JSON. */
import type { FixKind } from './candidate.ts';

export interface Verified {
  readonly variant: string;
  readonly states: number;
  /** Of what the scenario wants to be reached, what now is not: with a race closed, often the race itself. */
  readonly unreached: readonly string[];
}

export interface Fix {
  readonly kind: FixKind;
  readonly says: string;
  /** How many statements are added, taken away or moved. */
  readonly size: number;
  /** Every design of the scenario in which the code is run that it changes, each explored exhaustively. */
  readonly verified: readonly Verified[];
  /** Findings of the design that go with it, by id. */
  readonly mends: readonly string[];
  /** Lock orders that the design did not have: `&a->lock outside &b->lock`. */
  readonly addsOrders: readonly string[];
  /** The function before and after, step by step: lines that begin with a space, `-` or `+`. */
  readonly steps: readonly string[];
}

export interface FixSearch {
  readonly variant: string;
  /** The finding to be mended. */
  readonly finding: string;
  readonly message: string;
  /** The smallest of each group, ranked by size, then by the lock orders that they add. */
  readonly fixes: readonly Fix[];
  readonly tried: number;
  /** What ended it before everything was tried. */
  readonly stopped: string | null;
}
