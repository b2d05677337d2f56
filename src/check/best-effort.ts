/**
 * What can be made of a schedule that no longer fits. Its runs are taken in their order, each by itself: the thread goes
 * on alone until it has taken a step with the name of the run's last step. Where it meets that name more than once, in one way
 * or another, the one counts that is nearest to as many steps as the schedule says. Where it never does, the run is left out
 * as a whole and the next is tried.
 */
import type { Choice } from '../explore/choice.ts';
import type { Position, Program } from '../tables/program.ts';
import { nameStep, type Run } from '../trace/schedule.ts';

/** What became of a run. */
export interface Attempt {
  readonly run: Run;
  /** How many steps it took; null where it was left out. */
  readonly taken: number | null;
  /** Why it was left out. */
  readonly why: string | null;
}

export interface Plan {
  readonly attempts: readonly Attempt[];
  readonly choices: readonly Choice[];
  /** How many of the choices lead to the loop; all, where there is none. */
  readonly beforeLoop: number;
}

/** Much longer than it was a run does not get. */
const mostSteps = ({ steps }: Run): number => 2 * steps + 100;
const MOST_WAYS = 10_000;

/** @param loop the run with which the loop begins: it is gone round once */
export function planFor(program: Program, runs: readonly Run[], loop: number | null): Plan {
  const state = program.initial();
  const choices: Choice[] = [];
  let beforeLoop: number | null = null;
  const attempts = runs.map((run, i): Attempt => {
    if (i === loop) beforeLoop = choices.length;
    const thread = program.world.threads.findIndex(({ name }) => name === run.thread);
    if (thread < 0) return { run, taken: null, why: `there is no thread "${run.thread}"` };
    const way = nearestWay(program, state, thread, run);
    if (way === null) return { run, taken: null, why: whyNot(program, state, thread) };
    state.set(way.state);
    choices.push(...way.choices);
    return { run, taken: way.choices.length, why: null };
  });
  return { attempts, choices, beforeLoop: beforeLoop ?? choices.length };
}

interface Way {
  readonly state: Int32Array;
  readonly choices: readonly Choice[];
}

/** Breadth first, over what the thread can do alone. */
function nearestWay(program: Program, from: Int32Array, thread: number, run: Run): Way | null {
  let best: Way | null = null;
  const off = ({ choices }: Way) => Math.abs(choices.length - run.steps);
  const seen = new Set<string>();
  const queue: Way[] = [{ state: from, choices: [] }];
  for (let way = queue.shift(); way !== undefined; way = queue.shift()) {
    if (way.choices.length >= mostSteps(run) || seen.size >= MOST_WAYS) break;
    // Whatever comes now is farther off.
    if (best !== null && way.choices.length > run.steps + off(best)) break;
    const position = program.position(way.state, thread);
    for (const [index, name] of namesAt(program, position).entries()) {
      const next = way.state.slice();
      if (!program.choose(way.state, { thread, way: index }, next)) continue;
      const longer = { state: next, choices: [...way.choices, { thread, way: index }] };
      if (isNamed(name, run.last) && (best === null || off(longer) < off(best))) best = longer;
      const key = next.join();
      if (!seen.has(key)) queue.push(longer);
      seen.add(key);
    }
  }
  return best;
}

function namesAt(program: Program, position: Position): readonly string[] {
  if (position.ways === 0) return [];
  const ways = program.cursorAt(position).step?.step ?? [];
  return ways.map(({ name, messages: [{ event, object }] }) => nameStep(event.type, object, ways.length > 1 ? name : null));
}

/** A step that offered one way may offer several by now, or the other way round: then the rest of the name decides. */
function isNamed(name: string, wanted: string): boolean {
  const [, step, way] = /^(.*?\))(=.*)?$/.exec(name) ?? [];
  const [, wantedStep, wantedWay] = /^(.*?\))(=.*)?$/.exec(wanted) ?? [];
  return name === wanted || (step === wantedStep && (way === undefined || wantedWay === undefined));
}

function whyNot(program: Program, state: Int32Array, thread: number): string {
  const { status, step } = program.position(state, thread);
  if (status === 'ended') return 'it has ended';
  if (status === 'stopped' || step === null) return 'it was stopped by an oops or a BUG';
  return program.anyEnabled(state, thread)
    ? `alone it does not come to that step from ${nameStep(step.event.type, step.object, null)}`
    : `it waits at ${nameStep(step.event.type, step.object, null)}`;
}
