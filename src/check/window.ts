/**
 * The race window of a finding: where a thread has to be held up and what the others do meanwhile, how wide each window is,
 * and how likely runs at random are to hit it.
 */
import { Judge } from '../explore/judge.ts';
import { leaveOut } from '../model/leave-out.ts';
import type { Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import { choicesOf } from './choice-of.ts';
import { type Delay, delaysOf, type FaultyRun, turnsOf } from './delays.ts';
import type { Subject } from './describe.ts';
import type { Finding } from './finding.ts';
import { faultsAtTheEnd } from './first-fault.ts';
import { type Odds, type OddsOptions, oddsOf } from './odds.ts';
import type { Pains } from './findings.ts';
import type { Searched } from './strategy.ts';

export interface Window {
  /** One for each preemption of the counterexample. */
  readonly delays: readonly Delay[];
  /** In the variant as it stands. Null where the fault is no matter of a step or a state. */
  readonly odds: Odds | null;
}

/** By the id of the finding. */
export type Windows = ReadonlyMap<string, Window>;

/** @returns null for what has no run to show */
export function faultyRunOf({ variant }: Pick<Subject, 'variant'>, { trace, without, fault }: Finding): FaultyRun | null {
  if (trace === null) return null;
  const design = without.length === 0 ? variant : leaveOut(variant, without);
  const program = new Program(design);
  const judge = new Judge(program, design);
  const choices = choicesOf(program, trace.steps);
  const key = faultsAtTheEnd({ program, judge }, choices).find((key) => {
    const met = judge.faults[judge.numberOf(key) ?? -1];
    return met !== undefined && met.kind === fault.kind && met.object === fault.object && met.text === fault.text;
  });
  return { program, judge, trace, choices, fault: key ?? null };
}

/** The windows of what went wrong first; for the odds, runs are made. */
export async function windowsOf(
  { program, variant }: Subject,
  { whole }: Pick<Searched, 'whole'>,
  findings: readonly Finding[],
  options: OddsOptions,
  { run }: Pick<Pains, 'run'>,
): Promise<Windows> {
  const shown = findings.flatMap((finding) => {
    const faulty = faultyRunOf({ variant }, finding);
    return faulty === null ? [] : [{ finding, faulty }];
  });
  const sought = shown.flatMap(({ finding, faulty: { fault } }) =>
    fault === null ? [] : [{ fault, depth: finding.preemptions + 1, orderings: orderingsOf(variant, finding) }],
  );
  const odds = sought.length === 0 ? [] : await oddsOf(program, variant, whole, sought, options, run);
  return new Map(
    shown.map(({ finding, faulty }): [string, Window] => [
      finding.id,
      { delays: delaysOf(faulty), odds: odds[sought.findIndex(({ fault }) => fault === faulty.fault)] ?? null },
    ]),
  );
}

/**
 * How many orderings of two steps force this run: each turn after the one before, and whoever takes no step in it after the
 * last. Null where the run leaves out a call before one that it makes: it is then no run of the variant as it stands.
 */
function orderingsOf(variant: Variant, { trace, without }: Finding): number | null {
  if (trace === null) return null;
  const made = leaveOut(variant, without).threads;
  for (const { calls } of Object.values(made))
    if (calls.some(({ isLeftOut }, i) => isLeftOut && calls.slice(i).some((later) => !later.isLeftOut))) return null;
  const idle = Object.keys(made).filter((name) => !trace.steps.some(({ thread }) => thread === name));
  return Math.max(1, turnsOf(trace.steps).length - 1 + idle.length);
}
