/** For a scenario that asks: the outcomes of all interleavings against those of every order of whole operations. */
import { findBest } from '../explore/best-search.ts';
import { type Comparison, compareEnds, counts, type Unserial } from '../explore/serial-compare.ts';
import type { RunEnds } from '../explore/serial-ends.ts';
import { findSerialOrders, keyOf } from '../explore/serial-orders.ts';
import { Outcomes } from '../explore/serial-outcome.ts';
import type { Subject } from './describe.ts';
import type { Finding } from './finding.ts';
import { describeUnserial } from './serial-finding.ts';

/** What the comparison came to, for the verdict. */
export interface SerialVerdict {
  /** Why there was nothing to compare, as a clause; null where the two sides were compared. */
  readonly notApplicable: string | null;
  /** Distinct outcomes of the runs on which nothing else was found, and of the orders of whole operations. */
  readonly outcomes: number;
  readonly serialOutcomes: number;
  /** In some orders an operation waits for ever: these give no outcome. */
  readonly someNeverEnd: boolean;
  /** Which bound ended the search among the orders; then nothing was compared. */
  readonly cut: string | null;
}

export interface SerialCheck {
  readonly verdict: SerialVerdict;
  readonly findings: readonly Finding[];
}

/** Runs a search to its end, and lets everything else go on meanwhile. */
export type Drive = <R>(search: Generator<null, R, string | null>) => Promise<R>;

export interface SerialLimits {
  readonly maxStates: number;
  /** For each counterexample that is made better. */
  readonly nodesForBest: number;
  /** No way to an end is missing among the ends. */
  readonly exhaustive: boolean;
}

/** @returns null where the scenario does not ask */
export async function checkSerial(
  subject: Subject,
  ends: RunEnds,
  { maxStates, nodesForBest, exhaustive }: SerialLimits,
  drive: Drive,
): Promise<SerialCheck | null> {
  const { program, judge, variant } = subject;
  if (variant.serialisable === null) return null;
  const outcomes = new Outcomes(program, variant.serialisable);
  const orders = await drive(findSerialOrders(program, outcomes, maxStates));
  const comparison: Comparison = { program, judge, outcomes, orders };
  const { cut, someNeverEnd } = orders;
  const verdict = { notApplicable: null, outcomes: 0, serialOutcomes: orders.outcomes.size, someNeverEnd, cut };
  if (cut !== null) return { verdict, findings: [] };
  if (orders.outcomes.size === 0) return { verdict: { ...verdict, notApplicable: noOrderEnds(someNeverEnd) }, findings: [] };
  const compared = await drive(compareEnds(comparison, ends));
  const findings: Finding[] = [];
  for (const unserial of compared.unserial) {
    const bounds = { primary: true, maxNodes: nodesForBest };
    const [best] = (await drive(findBest(program, judge, [goalOf(comparison, unserial)], bounds))).found;
    const choices = best?.choices ?? unserial.way;
    const met = { choices, proven: best?.proven === true && exhaustive, outcomes: unserial.keys.size };
    const finding = await describeUnserial(subject, comparison, met);
    if (finding !== null && !findings.some(({ id }) => id === finding.id)) findings.push(finding);
  }
  const notApplicable = exhaustive && compared.outcomes === 0 ? 'no run comes to its end without another finding' : null;
  return { verdict: { ...verdict, notApplicable, outcomes: compared.outcomes }, findings };
}

const goalOf = (comparison: Comparison, { keys }: Unserial) => ({
  state: (state: Int32Array) => counts(comparison, state) && keys.has(keyOf(comparison.outcomes.of(state))),
});

const noOrderEnds = (someNeverEnd: boolean): string =>
  someNeverEnd
    ? 'no order of whole operations comes to its end, for some wait for what others, or none, would do'
    : 'no order of whole operations comes to its end';

/** Some ends were compared, so that the verdict may claim to have looked for what no order gives. */
export const wasCompared = (serial: SerialCheck | null): boolean =>
  serial !== null && serial.verdict.cut === null && serial.verdict.notApplicable === null && serial.verdict.outcomes > 0;
