/** What is wrong on one run, in the order in which it came about, each named and explained as a search would. */
import { type Fault, Judge } from '../explore/judge.ts';
import type { Choice } from '../explore/choice.ts';
import { InternalError } from '../model/errors.ts';
import type { Edit } from '../model/edit.ts';
import { editVariant } from '../model/edit-variant.ts';
import { leaveOut } from '../model/leave-out.ts';
import type { Scenario } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import type { TraceStep } from '../trace/trace.ts';
import { variantOf } from './check.ts';
import { describe, type Subject } from './describe.ts';
import { describeEndless } from './endless.ts';
import { endlessIn } from './endless-run.ts';
import { lockOrdersOn } from './lock-order/on-run.ts';
import { serialOn } from './serial-run.ts';
import type { Finding } from './finding.ts';
import { inOriginal } from './shrink.ts';

export interface Raised {
  readonly finding: Finding;
  /** No other finding came before it on this run; else it is a consequence. */
  readonly primary: boolean;
  /** How many steps of the run lead to it. */
  readonly steps: number;
  /** The run is one of the variant as it stands, but for the steps of calls that are left out. */
  readonly isOfVariant: boolean;
}

/** The steps of a run that come round for ever: how many lead to them, and how many they are. */
export interface LoopOnRun {
  readonly after: number;
  readonly length: number;
}

/**
 * Plays a recorded run through the tables and asks the judge of the searches at each step.
 *
 * @param without what was left out of the variant on that run
 * @param edits what its kernel code was edited by
 */
export async function judgeRun(
  scenario: Scenario,
  name: string,
  steps: readonly TraceStep[],
  loop: LoopOnRun | null = null,
  without: readonly string[] = [],
  edits: readonly Edit[] = [],
): Promise<readonly Raised[]> {
  const original = subjectOf(scenario, name, edits, []);
  const subject = without.length === 0 ? original : subjectOf(scenario, name, edits, without);
  const { program } = subject;
  const raised: Raised[] = [];
  const add = (finding: Finding, primary: boolean, steps: number, isOfVariant = subject === original) => {
    if (!raised.some((known) => known.finding.id === finding.id)) raised.push({ finding, primary, steps, isOfVariant });
  };
  const { faults, choices } = faultsOn(subject, steps);
  for (const { fault, after, byStep, primary } of faults) {
    const met = { fault: subject.judge.faults[fault] as Fault, choices: choices.slice(0, after), byStep, proven: false };
    const finding = await describe(subject, met);
    const whole =
      subject === original
        ? finding
        : await inOriginal(original, subject, finding, { ...met, fault: subject.judge.keyOf(fault) });
    add(whole ?? finding, primary, after, whole !== null);
  }
  for (const order of await lockOrdersOn(subject, choices)) add(order, true, choices.length);
  if (loop === null) {
    const unserial = await serialOn(subject, choices);
    if (unserial !== null) add(unserial, faults.length === 0, choices.length);
    return raised;
  }
  const prefix = choices.slice(0, loop.after);
  const round = choices.slice(loop.after, loop.after + loop.length);
  for (const endless of endlessIn(program, stateAfter(program, prefix), round))
    add(await describeEndless(subject, endless, prefix, () => round), faults.length === 0, loop.after + loop.length);
  return raised;
}

function subjectOf(scenario: Scenario, name: string, edits: readonly Edit[], without: readonly string[]): Subject {
  const variant = leaveOut(editVariant(variantOf(scenario, name), edits), without);
  const program = new Program(variant);
  return { scenario, name, variant, program, judge: new Judge(program, variant) };
}

interface FaultOnRun {
  readonly fault: number;
  /** How many choices lead to it. */
  readonly after: number;
  readonly byStep: boolean;
  readonly primary: boolean;
}

function faultsOn(
  { program, judge }: Subject,
  steps: readonly TraceStep[],
): { readonly faults: readonly FaultOnRun[]; readonly choices: readonly Choice[] } {
  const found: FaultOnRun[] = [];
  const choices: Choice[] = [];
  const state = program.initial();
  const next = new Int32Array(program.width);
  const note = (faults: readonly number[], byStep: boolean) => {
    const primary = found.length === 0;
    for (const fault of faults)
      if (!found.some((known) => known.fault === fault)) found.push({ fault, after: choices.length, byStep, primary });
  };
  for (const step of steps) {
    note(judge.ofState(state, false), false);
    const choice = choiceOf(program, state, step);
    choices.push(choice);
    program.choose(state, choice, next);
    note(judge.ofStep(state, choice.thread), true);
    state.set(next);
  }
  note(judge.ofState(state, program.isTerminal(state)), false);
  return { faults: found, choices };
}

function stateAfter(program: Program, choices: readonly Choice[]): Int32Array {
  const state = program.initial();
  const next = state.slice();
  for (const { thread, way } of choices) {
    program.choose(state, { thread, way }, next);
    state.set(next);
  }
  return state;
}

/** A step of the live run in the words of the tables. */
function choiceOf(program: Program, state: Int32Array, { index, thread: name, way: wayName }: TraceStep): Choice {
  const thread = program.world.threads.findIndex((named) => named.name === name);
  const { firstWay, ways } = program.position(state, thread);
  const names = program.ways.slice(firstWay, firstWay + ways).map((way) => way.name);
  const way = wayName === null ? 0 : names.indexOf(wayName);
  if (way >= 0 && way < ways && program.enabled(state, firstWay + way)) return { thread, way };
  throw new InternalError(`Step ${index}: the live actors let ${name} go on (${wayName ?? 'one way'}), the tables do not`);
}
