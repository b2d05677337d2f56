/** How much of what can happen a search has covered that was cut: told by runs at random, as nobody knows the whole. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { Program } from '../tables/program.ts';

const RUNS = 200;
const MOST_STEPS = 10_000;
/** The same estimate for the same search. */
const SEED = 1;

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
  const random = xoroshiro128plus(SEED);
  let inside = 0;
  for (let run = 0; run < RUNS; run++) if (staysInside(program, searched, (n) => uniformInt(random, 0, n - 1))) inside++;
  return `of ${RUNS} runs at random, ${inside} stay within what was searched`;
}

function staysInside(program: Program, searched: Searched, anyOf: (n: number) => number): boolean {
  const state = program.initial();
  for (let step = 0; step < MOST_STEPS; step++) {
    if (!searched.has(state)) return false;
    const wrong = searched.isWrong(state);
    const ways = enabledWays(program, state, searched.threads(state));
    if (ways.length === 0) return true;
    const { thread, way } = ways[anyOf(ways.length)] as { thread: number; way: number };
    program.apply(state, thread, way);
    if (wrong) program.taint(state);
  }
  return true;
}

function enabledWays(program: Program, state: Int32Array, threads: number) {
  const ways: { readonly thread: number; readonly way: number }[] = [];
  for (let thread = 0; thread < program.threads; thread++) {
    if ((threads & (1 << thread)) === 0) continue;
    const first = program.firstWay(state[program.slots + thread] as number);
    const end = first + program.wayCount(state[program.slots + thread] as number);
    for (let way = first; way < end; way++) if (program.enabled(state, way)) ways.push({ thread, way });
  }
  return ways;
}
