/**
 * The race window of a finding: where a thread has to be held up and what the others do meanwhile, how wide each window is,
 * and how likely runs at random are to hit it.
 */
import { countPreemptions } from '../explore/best-search.ts';
import type { Choice } from '../explore/choice.ts';
import { Judge } from '../explore/judge.ts';
import { leaveOut } from '../model/leave-out.ts';
import type { Thread, Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import { choicesOf, stateAfter } from './choice-of.ts';
import { type Delay, delaysOf, type FaultyRun } from './delays.ts';
import type { Subject } from './describe.ts';
import type { Finding } from './finding.ts';
import { faultsAtTheEnd } from './first-fault.ts';
import { type Odds, type OddsOptions, oddsOf, type Sought } from './odds.ts';
import type { Pains } from './findings.ts';
import type { Searched } from './strategy.ts';

export interface Window {
  /** One for each preemption of the counterexample; where it goes round for ever, of those that lead there. */
  readonly delays: readonly Delay[];
  /** In the variant as it stands. Null where the fault is no matter of a step or a state. */
  readonly odds: Odds | null;
}

/** By the id of the finding. */
export type Windows = ReadonlyMap<string, Window>;

/** @returns null for what has no run to show */
function faultyRunOf({ variant }: Pick<Subject, 'variant'>, { trace, without, fault }: Finding): FaultyRun | null {
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

/** What can be told without any search or run at random. */
export function windowOf(subject: Subject, finding: Finding): Window | null {
  const faulty = faultyRunOf(subject, finding);
  return faulty && windowIn(finding, faulty, null);
}

const windowIn = ({ loopFrom }: Finding, faulty: FaultyRun, odds: Odds | null): Window => ({
  delays: delaysOf(faulty, loopFrom ?? Infinity),
  odds,
});

/** The windows of what went wrong first; for the odds, runs are made. */
export async function windowsOf(
  subject: Subject,
  { whole }: Pick<Searched, 'whole'>,
  findings: readonly Finding[],
  options: OddsOptions,
  { run }: Pick<Pains, 'run'>,
): Promise<Windows> {
  const { program, variant } = subject;
  const shown = findings.flatMap((finding) => {
    const faulty = faultyRunOf(subject, finding);
    return faulty === null ? [] : [{ finding, faulty }];
  });
  const sought = shown.flatMap(({ finding, faulty: { fault } }) => (fault === null ? [] : [soughtIn(subject, finding, fault)]));
  const odds = sought.length === 0 ? [] : await oddsOf(program, variant, whole, sought, options, run);
  return new Map(
    shown.map(({ finding, faulty }): [string, Window] => [
      finding.id,
      windowIn(finding, faulty, odds[sought.findIndex(({ fault }) => fault === faulty.fault)] ?? null),
    ]),
  );
}

/** The run in the variant as it stands, where all that it leaves out comes after what it makes. */
function inWhole(variant: Variant, program: Program, { trace, without }: Finding): readonly Choice[] | null {
  const { threads } = leaveOut(variant, without);
  const isCutOff = ({ calls }: Thread) => calls.some(({ isLeftOut }, i) => isLeftOut && calls[i + 1]?.isLeftOut === false);
  return trace === null || Object.values(threads).some(isCutOff) ? null : choicesOf(program, trace.steps);
}

/**
 * How many orderings of two steps force this run: each turn comes after the one before, and whoever could still go on, but
 * has not the last turn, goes on after its last step.
 */
function orderingsIn(program: Program, choices: readonly Choice[]): number {
  const end = stateAfter(program, choices);
  const last = choices.at(-1)?.thread;
  const turns = choices.filter(({ thread }, i) => thread !== choices[i - 1]?.thread).length;
  const waiting = program.world.threads.filter((_, i) => i !== last && program.position(end, i).status === 'running').length;
  return Math.max(1, turns - 1 + waiting);
}

function soughtIn({ variant, program }: Subject, finding: Finding, fault: string): Sought {
  const choices = inWhole(variant, program, finding);
  const steps = finding.trace?.steps.length ?? 0;
  if (choices === null) return { fault, steps, depth: finding.preemptions + 1, orderings: null };
  return { fault, steps, depth: countPreemptions(program, choices) + 1, orderings: orderingsIn(program, choices) };
}
