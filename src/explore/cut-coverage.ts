/** How much of what can happen a search has covered that was cut: told by runs at random, as nobody knows the whole. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { Program } from '../tables/program.ts';

const RUNS = 200;
const MOST_STEPS = 10_000;
/** The same estimate for the same search. */
const SEED = 1;
const EVERY_THREAD = -1;

export interface Searched {
  /** The state was met, and gone on from. */
  has(state: Int32Array): boolean;
  /** The threads that the search follows from there, as bits. */
  threads(state: Int32Array): number;
  /** Marks the successor of a wrong state as the search does. */
  isWrong(state: Int32Array): boolean;
}

/**
 * Plays runs from the start, at each state every way of every thread that the search would follow being as likely.
 * @returns how many of them stay within what was searched until they end, or for MOST_STEPS steps, in words
 */
export function estimateCoverage(program: Program, searched: Searched): string {
  const inside = countRuns((choose) => staysInside(program, searched, choose));
  return `of ${RUNS} runs at random, ${inside} stay within what was searched`;
}

/** The same for a search of all schedules with at most so many preemptions. */
export function estimateWithin(program: Program, preemptions: number): string {
  const inside = countRuns((choose) => preemptionsOf(program, choose) <= preemptions);
  const most = preemptions === 1 ? '1 preemption' : `${preemptions} preemptions`;
  return `of ${RUNS} runs at random, ${inside} have at most ${most}`;
}

type Choose = (options: number) => number;

function countRuns(isInside: (choose: Choose) => boolean): number {
  const random = xoroshiro128plus(SEED);
  const choose = (options: number) => uniformInt(random, 0, options - 1);
  let inside = 0;
  for (let run = 0; run < RUNS; run++) if (isInside(choose)) inside++;
  return inside;
}

function staysInside(program: Program, searched: Searched, choose: Choose): boolean {
  const state = program.initial();
  for (let step = 0; step < MOST_STEPS; step++) {
    if (!searched.has(state)) return false;
    const wrong = searched.isWrong(state);
    const ways = enabledWays(program, state, searched.threads(state));
    if (ways.length === 0) return true;
    const { thread, way } = ways[choose(ways.length)] as Way;
    program.apply(state, thread, way);
    if (wrong) program.taint(state);
  }
  return true;
}

function preemptionsOf(program: Program, choose: Choose): number {
  const state = program.initial();
  let last = -1;
  let preemptions = 0;
  for (let step = 0; step < MOST_STEPS; step++) {
    const ways = enabledWays(program, state, EVERY_THREAD);
    if (ways.length === 0) break;
    const { thread, way } = ways[choose(ways.length)] as Way;
    if (thread !== last && ways.some((other) => other.thread === last)) preemptions++;
    program.apply(state, thread, way);
    last = thread;
  }
  return preemptions;
}

interface Way {
  readonly thread: number;
  readonly way: number;
}

function enabledWays(program: Program, state: Int32Array, threads: number): readonly Way[] {
  const ways: Way[] = [];
  for (let thread = 0; thread < program.threads; thread++) {
    if ((threads & (1 << thread)) === 0) continue;
    const first = program.firstWay(state[program.slots + thread] as number);
    const end = first + program.wayCount(state[program.slots + thread] as number);
    for (let way = first; way < end; way++) if (program.enabled(state, way)) ways.push({ thread, way });
  }
  return ways;
}
