/**
 * What is still to be explored from a point of the run: for each prefix a sleep set, of steps with which all that can
 * begin has been explored, and a tree of sequences that each begin something new (Abdulla, Aronsson, Jonsson, Sagonas:
 * Optimal Dynamic Partial Order Reduction, POPL 2014).
 */
import type { Footprint, Footprints } from './footprint.ts';

export interface Branch {
  readonly step: Footprint;
  /** What may come after it; nothing in particular where it is empty. */
  readonly onward: Branch[];
}

/**
 * Some order of the sequence, perhaps with more steps after it, begins with this step. The ways of a thread's step are
 * steps of their own, of which one excludes the others.
 */
export function canBegin(footprints: Footprints, step: Footprint, sequence: readonly Footprint[]): boolean {
  for (const other of sequence) {
    if (other.thread === step.thread) return other.way === step.way;
    if (footprints.depend(other, step)) return false;
  }
  return true;
}

/** Adds the sequence, unless something that begins it is there. The newest branch is the last. */
export function insert(footprints: Footprints, tree: Branch[], sequence: readonly Footprint[]): void {
  let branches = tree;
  let rest = sequence;
  for (;;) {
    const begins = branches.find(({ step }) => canBegin(footprints, step, rest));
    if (begins === undefined) break;
    // A branch that ends here is followed by everything, this among it.
    if (begins.onward.length === 0) return;
    const at = rest.findIndex(({ thread }) => thread === begins.step.thread);
    if (at >= 0) rest = rest.filter((_, i) => i !== at);
    branches = begins.onward;
  }
  for (const step of rest) {
    const onward: Branch[] = [];
    branches.push({ step, onward });
    branches = onward;
  }
}
