/** A fix that was tried, and holds: what a review shows of it. Goes through JSON. */
import type { FixKind } from '../../model/scenario.ts';

/** A design with the fix, explored exhaustively: nothing is found that was not found without it. */
export interface Verified {
  readonly scenario: string;
  readonly variant: string;
  readonly states: number;
  /** Of what the scenario wants to be reached, what now is not: with a race closed, often the race itself. */
  readonly unreached: readonly string[];
}

/** A design that the fix does harm to. */
export interface Broken {
  readonly scenario: string;
  readonly variant: string;
  /** As a clause: what is found then, or what callers no longer get, or which bound left it open. */
  readonly why: string;
}

export interface Fix {
  readonly kind: FixKind;
  readonly says: string;
  /** How many statements are added, taken away or moved. */
  readonly size: number;
  /** The designs that run the code which it changes, of its own scenario and of others: all, unless one is broken. */
  readonly verified: readonly Verified[];
  /** A design in which it does not hold, if there is one: there it is no fix. */
  readonly broken: readonly Broken[];
  /** Findings of the design that go with it, by id. */
  readonly mends: readonly string[];
  /** Lock orders that the design did not have: `&a->lock outside &b->lock`. */
  readonly addsOrders: readonly string[];
  /** The functions before and after, step by step: lines that begin with a space, `-` or `+`. */
  readonly steps: readonly string[];
}

export interface FixSearch {
  readonly variant: string;
  /** The finding to be mended. */
  readonly finding: string;
  readonly message: string;
  /** The smallest of each kind: those that hold everywhere first, then by size, then by the lock orders that they add. */
  readonly fixes: readonly Fix[];
  /** How many changes came into question. Of those of one kind none is tried that is larger than one that holds everywhere. */
  readonly candidates: number;
  /** What ended it before everything was tried. */
  readonly stopped: string | null;
}
