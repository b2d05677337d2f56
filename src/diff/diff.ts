/** Two designs of one scenario, compared: verdicts, findings, outcomes, lock order, and how one fares where the other fails. */
import { type CheckOptions, type CheckResult, drive, reasonToStop } from '../check/check.ts';
import { confirm } from '../check/confirm.ts';
import { scheduleOf } from '../check/describe.ts';
import { NODES_FOR_BEST } from '../check/findings.ts';
import { checkSerial, type SerialCheck } from '../check/serial.ts';
import { endsOf } from '../explore/serial-ends.ts';
import { ModelError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import type { Schedule } from '../trace/schedule.ts';
import { compareFindings, type FindingsDiff } from './findings.ts';
import { compareLockEdges, type LockEdgeDiff } from './lock-edges.ts';
import { compareOutcomes, type OnlyHere, type OutcomeDiff } from './outcomes.ts';
import { type Replayed, replayOn } from './replayed.ts';
import { type Side, searchSide } from './side.ts';

export interface Diff {
  readonly scenario: Scenario;
  readonly checks: readonly [a: CheckResult, b: CheckResult];
  /** What cut the two searches that keep all results, for outcomes and lock order; null where nothing did. */
  readonly cuts: readonly [a: string | null, b: string | null];
  readonly findings: FindingsDiff;
  /** What runs come out with; else why no run is ever over. */
  readonly outcomes: (OutcomeDiff & WaysToOutcomes) | string;
  /** Whether what comes of B comes of its calls in some order, one after the other; null where no run is ever over. */
  readonly serial: SerialCheck | null;
  /** The counterexamples of A, followed in B. */
  readonly replayed: readonly Replayed[];
  readonly locks: LockEdgeDiff;
  /** The threads that B has not. */
  readonly strangers: readonly string[];
}

/** For each of `only`, how to come to one of them. */
export interface WaysToOutcomes {
  readonly schedules: readonly [a: readonly Schedule[], b: readonly Schedule[]];
}

export interface DiffOptions extends CheckOptions {
  /** The thread of B that stands for one of A, where their names differ. */
  readonly threads: ReadonlyMap<string, string>;
}

/** @throws ModelError if a thread that was named is none, or if the search stores no states */
export async function diff(scenario: Scenario, a: string, b: string, options: DiffOptions): Promise<Diff> {
  const sideA = await searchSide(scenario, a, options);
  const sideB = await searchSide(scenario, b, options);
  checkThreads(options.threads, sideA, sideB);
  const threadInB = (thread: string) => options.threads.get(thread) ?? thread;
  const replayed: Replayed[] = [];
  for (const finding of sideA.check.findings) {
    const run = await replayOn(finding, sideB, threadInB);
    if (run !== null) replayed.push(run);
  }
  return {
    scenario,
    checks: [sideA.check, sideB.check],
    cuts: [sideA.searched.cut, sideB.searched.cut],
    findings: compareFindings(sideA.check.findings, sideB.check.findings),
    outcomes: await outcomesOf(sideA, sideB, threadInB),
    serial: sideB.endless === null ? await serialOf(sideB, options) : null,
    replayed,
    locks: compareLockEdges(sideA, sideB),
    strangers: threadsOf(sideA).filter((thread) => !threadsOf(sideB).includes(threadInB(thread))),
  };
}

async function outcomesOf(a: Side, b: Side, threadInB: (thread: string) => string): Promise<Diff['outcomes']> {
  for (const { name, endless } of [a, b])
    if (endless !== null) return `in ${name} the task ${endless} goes on for ever, so no run is ever over`;
  const outcomes = compareOutcomes(a, b, threadInB);
  const [onlyA, onlyB] = outcomes.only;
  return { ...outcomes, schedules: [await schedulesOf(a, onlyA), await schedulesOf(b, onlyB)] };
}

/** Played on the live actors, as all that is said of a run. */
async function schedulesOf({ scenario, name, variant, program }: Side, only: readonly OnlyHere[]): Promise<readonly Schedule[]> {
  const schedules: Schedule[] = [];
  for (const { way } of only) {
    const { live } = await confirm(program, variant, way);
    schedules.push(scheduleOf({ scenario, name, variant }, null, live, null));
  }
  return schedules;
}

/** By all that it holds, unless the scenario says itself what is to be compared. */
async function serialOf({ scenario, name, variant, program, searched }: Side, options: CheckOptions): Promise<SerialCheck> {
  const subject = { scenario, name, variant: { ...variant, expect: [] }, program, judge: searched.judge };
  const limits = { maxStates: options.maxStates, nodesForBest: NODES_FOR_BEST, exhaustive: searched.cut === null };
  const reason = reasonToStop(options, performance.now());
  const serial = await checkSerial(subject, endsOf(searched), limits, (search) => drive(search, reason));
  if (serial === null) throw new RangeError('the results of calls were not kept');
  return serial;
}

const threadsOf = ({ variant }: { readonly variant: Variant }): readonly string[] => Object.keys(variant.threads);

function checkThreads(threads: DiffOptions['threads'], a: Side, b: Side): void {
  for (const [inA, inB] of threads) {
    refuseStranger(inA, a);
    refuseStranger(inB, b);
  }
}

function refuseStranger(thread: string, side: Side): void {
  const known = threadsOf(side);
  if (known.includes(thread)) return;
  const near = nearest(thread, known);
  throw new ModelError(
    `Variant "${side.name}" has no thread "${thread}"`,
    near === null ? `threads: ${known.join(', ')}` : `did you mean "${near}"?`,
  );
}
