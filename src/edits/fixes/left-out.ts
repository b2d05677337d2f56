/**
 * One write of the counterexample is not made: what it resets may be as it should already. Only a reset is left out, which
 * makes the object what it was in the beginning. Without another write nobody would ever get what the code is there for.
 */
import { isDeepStrictEqual } from 'node:util';
import type { TraceStep } from '../../trace/trace.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { Taken } from './steps-taken.ts';

export function leftOut(all: readonly Taken[]): readonly Candidate[] {
  const writes = all.filter(
    ({ step, trace, where }) =>
      where.frame !== null &&
      where.activations.length > 0 &&
      step.step.length === 1 &&
      trace.means.kind === 'write' &&
      trace.reply === null &&
      isReset(trace, all),
  );
  return writes.map(
    ({ where, trace }): Candidate => ({
      kind: 'leave it out',
      says: `without ${trace.c} in ${inFunction(where.activations)}`,
      edits: [{ kind: 'drop', at: [where.key] }],
      size: 1,
      group: `without ${where.key}`,
    }),
  );
}

function isReset({ object, changes }: TraceStep, all: readonly Taken[]): boolean {
  const ofIt = all.flatMap(({ trace }) => trace.changes.filter(({ path }) => path === object));
  const [first] = ofIt;
  const own = changes.findLast(({ path }) => path === object);
  // What it changes nothing of on this run it may still be needed for on another: that is for the verification to tell.
  return first === undefined || own === undefined || isDeepStrictEqual(own.after, first.before);
}
