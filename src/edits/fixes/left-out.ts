/** One write of the counterexample is not made: one that elsewhere on the run writes what is there already. */
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

export function leftOut(all: readonly Taken[]): readonly Candidate[] {
  const writes = all.filter(
    ({ step, trace, where }) =>
      where.frame !== null &&
      where.activations.length > 0 &&
      step.step.length === 1 &&
      trace.means.kind === 'write' &&
      trace.reply === null,
  );
  const isRedundant = ({ where }: Taken) =>
    writes.some((other) => other.where.key === where.key && other.trace.changes.every(({ path }) => path !== other.trace.object));
  return writes.filter(isRedundant).map(
    ({ where, trace }): Candidate => ({
      kind: 'leave it out',
      says: `without ${trace.c} in ${inFunction(where.activations)}`,
      edits: [{ kind: 'drop', at: [where.key] }],
      size: 1,
      group: `without ${where.key}`,
    }),
  );
}
