/** A schedule played on the live actors, and what it led to: exactly as it is written, or as far as it can be. */
import { LiveRun } from '../live/live-run.ts';
import { given } from '../live/strategies/given.ts';
import { type Divergence, replay as following } from '../live/strategies/replay.ts';
import { ModelError } from '../model/errors.ts';
import { leaveOut, variantFor } from '../model/leave-out.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import type { Schedule } from '../trace/schedule.ts';
import type { Trace } from '../trace/trace.ts';
import { type Attempt, planFor } from './best-effort.ts';
import { judgeRun, type LoopOnRun, type Raised } from './judge-run.ts';

/** What a schedule comes to that does not fit as it is written. */
export interface Effort {
  /** What became of each run. */
  readonly attempts: readonly Attempt[];
  /** What the schedule leaves out, and is not there any more. */
  readonly notThere: readonly string[];
}

export interface Played {
  readonly schedule: Schedule;
  readonly trace: Trace;
  /** The first step that does not fit the schedule as it is written. */
  readonly diverged: Divergence | null;
  /** Null where it fits, or where no effort was asked for. */
  readonly effort: Effort | null;
  readonly raised: readonly Raised[];
  /** The one that the schedule names, or else the first. */
  readonly finding: Raised | null;
}

/** @throws ModelError if the variant is not there, or what the schedule leaves out is not, unless any effort will do */
export async function playSchedule(schedule: Schedule, scenario: Scenario, bestEffort: boolean): Promise<Played> {
  const { without, notThere } = bestEffort ? thereIs(scenario, schedule) : { without: schedule.without, notThere: [] };
  const design = { ...schedule, without };
  const variant = variantFor(scenario, design);
  const strategy = following({ runs: twiceRound(schedule) });
  const trace = await new LiveRun(variant).run(strategy);
  const diverged = unknownThread(schedule, variant) ?? strategy.diverged;
  if (diverged !== null && bestEffort) return asFarAsItCan(schedule, scenario, variant, { diverged, without, notThere });
  if (diverged !== null) return { schedule, trace, diverged, effort: null, raised: [], finding: null };
  const effort = notThere.length === 0 ? null : { attempts: [], notThere };
  return { schedule, trace, diverged, effort, ...(await judged(design, scenario, trace, loopOf(schedule))) };
}

async function asFarAsItCan(
  schedule: Schedule,
  scenario: Scenario,
  variant: Variant,
  {
    diverged,
    without,
    notThere,
  }: { readonly diverged: Divergence; readonly without: Schedule['without'] } & Pick<Effort, 'notThere'>,
): Promise<Played> {
  const program = new Program(variant);
  const { attempts, choices, beforeLoop } = planFor(program, schedule.runs, schedule.loop);
  const names = program.world.threads.map(({ name }) => name);
  const trace = await new LiveRun(variant).run(given(choices.map(({ thread, way }) => ({ thread: names[thread] ?? '', way }))));
  const loop = schedule.loop === null ? null : { after: beforeLoop, length: choices.length - beforeLoop };
  const outcome = await judged({ ...schedule, without }, scenario, trace, loop);
  return { schedule, trace, diverged, effort: { attempts, notThere }, ...outcome };
}

async function judged(
  { variant, finding, without, edits }: Schedule,
  scenario: Scenario,
  { steps }: Trace,
  loop: LoopOnRun | null,
): Promise<Pick<Played, 'raised' | 'finding'>> {
  const races = finding?.startsWith('data-race') ?? false;
  const raised = await judgeRun(scenario, variant, steps, loop, without, races, edits);
  const named = raised.find((one) => finding === null || one.finding.id === finding);
  // With calls left out, what is found may be of that design alone: then it is not shown as a finding of this one.
  return { raised, finding: named?.isOfVariant === true ? named : null };
}

function thereIs(
  { variants }: Scenario,
  { variant: name, without }: Schedule,
): Pick<Effort, 'notThere'> & Pick<Schedule, 'without'> {
  const variant = variants[name];
  const isThere = (what: string): boolean => {
    try {
      return variant === undefined || leaveOut(variant, [what]) !== null;
    } catch (error) {
      if (error instanceof ModelError) return false;
      throw error;
    }
  };
  return { without: without.filter(isThere), notThere: without.filter((what) => !isThere(what)) };
}

/** A loop that comes back to where it began can be gone round again: the second round shows that it does. */
const twiceRound = ({ runs, loop }: Schedule): Schedule['runs'] => (loop === null ? runs : [...runs, ...runs.slice(loop)]);

function loopOf({ runs, loop }: Schedule): LoopOnRun | null {
  const steps = (part: Schedule['runs']) => part.reduce((sum, run) => sum + run.steps, 0);
  return loop === null ? null : { after: steps(runs.slice(0, loop)), length: steps(runs.slice(loop)) };
}

function unknownThread({ runs }: Schedule, { threads }: Variant): Divergence | null {
  const at = runs.findIndex(({ thread }) => !(thread in threads));
  const run = runs[at];
  if (run === undefined) return null;
  const step = 1 + runs.slice(0, at).reduce((sum, { steps }) => sum + steps, 0);
  return {
    step,
    expected: `${run.thread}: ${run.last}`,
    found: `no thread "${run.thread}"; there are ${Object.keys(threads).join(', ')}`,
  };
}

/** How it ended; `as-expected` and `unexpected` are for schedules that name no finding. */
export type PlayedAs = 'raised' | 'gone' | 'as-expected' | 'unexpected' | 'does-not-fit';

export function endingOf({ schedule, diverged, effort, finding, raised }: Played): PlayedAs {
  if (diverged !== null && effort === null) return 'does-not-fit';
  if (finding === null && raised.some(({ isOfVariant }) => !isOfVariant)) return 'gone';
  if (schedule.finding !== null) return finding === null ? 'gone' : 'raised';
  return raised.some(({ primary, finding: { expected } }) => primary && !expected) ? 'unexpected' : 'as-expected';
}
