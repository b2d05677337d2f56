/**
 * Where a thread has to be held up for a finding to come about, and for how long: the preemptions of the counterexample,
 * each with what the other threads do meanwhile. They are what a delay in a real kernel would have to bring about.
 *
 * How wide each window is, is measured: the turn of the others is moved as it is to earlier and later places of the thread,
 * and the run is played again. A place belongs to the window if the same fault still comes first at the end of the run and no
 * more preemptions are needed than before.
 */
import { countPreemptions } from '../explore/best-search.ts';
import type { Choice } from '../explore/choice.ts';
import { stateAfter } from './choice-of.ts';
import type { Standing, Trace, TraceStep } from '../trace/trace.ts';
import { faultsAtTheEnd, type Judged } from './first-fault.ts';

/** A stretch of steps that one thread takes while another stands still. */
export interface Turn {
  readonly thread: string;
  readonly from: TraceStep;
  readonly to: TraceStep;
}

/** The places at which the others may have their turn, each between two steps of the thread's own that follow each other. */
export interface Places {
  readonly count: number;
  /** The step after which the first of them lies, and that before which the last does. */
  readonly opens: TraceStep;
  readonly closes: TraceStep | Standing;
  /** There may be more of them: another turn stands beside them, or the thread could have gone on past the end of the run. */
  readonly atLeast: boolean;
}

export interface Delay {
  readonly thread: string;
  /** What it has done last, and would do next, when the others have their turn. */
  readonly after: TraceStep;
  readonly before: TraceStep | Standing;
  /** The locks that it holds there. */
  readonly held: readonly { readonly object: string; readonly atomic: boolean }[];
  /** It holds nothing atomic, and has no CPU on which interrupts might be off. */
  readonly maySleep: boolean;
  readonly meanwhile: readonly Turn[];
  /** Null where the fault is no matter of a step or a state, and cannot be looked for on other runs. */
  readonly places: Places | null;
}

/** A run with a fault at its end. */
export interface FaultyRun extends Judged {
  readonly trace: Trace;
  readonly choices: readonly Choice[];
  /** Null where the judge of states and steps does not know it. */
  readonly fault: string | null;
}

/** @param before only preemptions by steps with a smaller number */
export const delaysOf = (run: FaultyRun, before = Infinity): readonly Delay[] =>
  run.trace.steps.flatMap(({ preempts, index }, at) => (preempts && index < before ? [delayAt(run, at)] : []));

/** @param at the step, from 0, with which another thread takes over */
function delayAt(run: FaultyRun, at: number): Delay {
  const { steps } = run.trace;
  const after = steps[at - 1] as TraceStep;
  const { thread } = after;
  const back = steps.findIndex((step, i) => i > at && step.thread === thread);
  const end = back < 0 ? steps.length : back;
  const before = steps[back] ?? standingOf(run.trace, thread);
  const isAtomic = (lock: string) =>
    steps.some(
      ({ thread: by, object, means }) => by === thread && object === lock && means.kind === 'acquire' && means.atomic === true,
    );
  const held = before.held.map((object) => ({ object, atomic: isAtomic(object) }));
  const hasCpu = run.program.world.threads.some(({ name, cpu }) => name === thread && cpu !== null);
  return {
    thread,
    after,
    before,
    held,
    maySleep: !hasCpu && !held.some(({ atomic }) => atomic),
    meanwhile: turnsOf(steps.slice(at, end)),
    places: run.fault === null ? null : placesOf(run, run.fault, at, end, thread),
  };
}

export function turnsOf(steps: readonly TraceStep[]): readonly Turn[] {
  const turns: { thread: string; from: TraceStep; to: TraceStep }[] = [];
  for (const step of steps) {
    const last = turns.at(-1);
    if (last?.thread === step.thread) last.to = step;
    else turns.push({ thread: step.thread, from: step, to: step });
  }
  return turns;
}

/** @param at and `end`: the others have the steps from there to before there */
function placesOf(run: FaultyRun, fault: string, at: number, end: number, thread: string): Places {
  const { choices, trace, program } = run;
  const { steps } = trace;
  const most = countPreemptions(program, choices);
  const turn = choices.slice(at, end);
  const rest = [...choices.slice(0, at), ...choices.slice(end)];
  const leadsThere = (moved: readonly Choice[]): boolean =>
    faultsAtTheEnd(run, moved).includes(fault) && countPreemptions(program, moved) <= most;
  const isOpen = (place: number) => leadsThere([...rest.slice(0, place), ...turn, ...rest.slice(place)]);
  const isOwn = (i: number) => steps[i]?.thread === thread;
  const lastOwnBefore = (place: number) => steps.slice(0, place).findLast((_, i) => isOwn(i));
  let first = at;
  while (isOwn(first - 1) && lastOwnBefore(first - 1) !== undefined && isOpen(first - 1)) first--;
  let beyond = end;
  while (isOwn(beyond) && isOpen(beyond + 1 - turn.length)) beyond++;
  return {
    count: at - first + 1 + beyond - end,
    opens: lastOwnBefore(first) as TraceStep,
    closes: steps.find((_, i) => i >= beyond && isOwn(i)) ?? standingOf(trace, thread),
    atLeast:
      (!isOwn(first - 1) && lastOwnBefore(first - 1) !== undefined) ||
      (beyond < steps.length ? !isOwn(beyond) : goesOn(run, thread, (step) => leadsThere([...rest, step, ...turn]))),
  };
}

/** The run ends with the turn of the others: whether the thread could take one more step before that. */
function goesOn({ program, choices }: FaultyRun, thread: string, leadsThere: (step: Choice) => boolean): boolean {
  const index = program.world.threads.findIndex(({ name }) => name === thread);
  const { ways } = program.position(stateAfter(program, choices), index);
  return Array.from({ length: ways }, (_, way) => way).some((way) => leadsThere({ thread: index, way }));
}

const standingOf = ({ standing }: Trace, thread: string): Standing => standing.find((each) => each.thread === thread) as Standing;
