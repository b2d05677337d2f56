/**
 * How likely a random walk is to come to each fault before anything else has gone wrong. The walk takes, of all ways that
 * are open to all threads, any with the same probability.
 *
 * A weight of 1 begins in the first state and flows along the steps of a finished search, until it comes to something
 * wrong or to the end of the run. States are taken in the order of their numbers; what flows back to an earlier one goes on
 * in the next round. Where no thread loops nothing is left after a few rounds, and the chances are exact. Where some do,
 * what is still on its way is how far off a chance can be at most.
 */
import type { Explored } from './plain-search.ts';

export interface WalkChances {
  /** By the number of the fault; none for those that the walk never meets first. */
  readonly first: ReadonlyMap<number, number>;
  /** The weight that was still on its way: no chance is greater by more than this. */
  readonly open: number;
}

/** Less than this part of the least chance, or of nothing at all, is not worth another round. */
const NEGLIGIBLE = 1e-6;
const NOTHING = 1e-18;
const LEAST_VISITS = 2_000_000;
const MOST_ROUNDS_OF_ALL = 4;
const VISITS_PER_TURN = 4096;

/** @param explored every state, with nothing left out */
export function* walkChances({ program, judge, visited }: Explored): Generator<null, WalkChances, string | null> {
  const weights = new Float64Array(visited.size);
  const first = new Map<number, number>();
  const state = new Int32Array(program.width);
  const before = new Int32Array(program.width);
  /** By way that is open: the state to which it leads, or the complement of its place in `raised`. */
  const outcomes: number[] = [];
  const raised: (readonly number[])[] = [];

  const absorb = (faults: readonly number[], weight: number): void => {
    for (const fault of new Set(faults)) first.set(fault, (first.get(fault) ?? 0) + weight);
  };
  const follow = (): void => {
    outcomes.length = raised.length = 0;
    for (let thread = 0; thread < program.threads; thread++) {
      const position = state[program.slots + thread] as number;
      const from = program.firstWay(position);
      for (let way = from; way < from + program.wayCount(position); way++) {
        if (!program.apply(state, thread, way)) continue;
        const isClean = program.splats === 0;
        if (isClean) outcomes.push(visited.numberOf(state));
        program.undo(state);
        if (isClean) continue;
        before.set(state);
        outcomes.push(~raised.length);
        raised.push(judge.ofStep(before, thread));
      }
    }
  };
  const visit = (number: number, weight: number): void => {
    visited.get(number, state);
    if (judge.isWrong(state)) return absorb(judge.ofState(state, false), weight);
    follow();
    if (outcomes.length === 0) return absorb(judge.ofState(state, true), weight);
    const share = weight / outcomes.length;
    for (const outcome of outcomes)
      if (outcome < 0) absorb(raised[~outcome] ?? [], share);
      else weights[outcome] = (weights[outcome] as number) + share;
  };

  weights[0] = 1;
  let left = Math.max(LEAST_VISITS, MOST_ROUNDS_OF_ALL * visited.size);
  let stop: string | null = null;
  const isWorthIt = (open: number) => open > Math.max(NOTHING, NEGLIGIBLE * Math.min(1, ...first.values()));
  for (let open = 1; isWorthIt(open) && left > 0 && stop === null; open = sum(weights))
    for (let number = 0; number < weights.length && stop === null; number++) {
      const weight = weights[number] as number;
      if (weight === 0) continue;
      weights[number] = 0;
      visit(number, weight);
      if (--left % VISITS_PER_TURN === 0) stop = yield null;
    }
  return { first, open: sum(weights) };
}

const sum = (numbers: Float64Array): number => numbers.reduce((total, number) => total + number, 0);
