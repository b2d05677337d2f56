/**
 * How likely runs at random are to come to a fault before anything else goes wrong: the random walk, exactly where every
 * state is at hand and counted where not; and PCT, counted, beside what it guarantees.
 */
import { type Explored, explore } from '../explore/plain-search.ts';
import { scoreInterval } from '../explore/sample/interval.ts';
import { pct } from '../explore/sample/pct.ts';
import { randomWalk } from '../explore/sample/random-walk.ts';
import type { Sampled, SampleOptions } from '../explore/sample/sample.ts';
import { type WalkChances, walkChances } from '../explore/walk-chances.ts';
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';

/** Computed from all states: it lies between `low` and `high`, which are the same where no thread loops. */
export interface Computed {
  readonly by: 'all states';
  readonly low: number;
  readonly high: number;
  readonly states: number;
}

/** Counted: so many of the runs, and the score interval at 95 %. */
export interface Counted {
  readonly by: 'runs';
  readonly hits: number;
  readonly runs: number;
  readonly seed: number;
  readonly low: number;
  readonly high: number;
}

/** PCT at one depth: what it does, and what it promises. */
export interface PctOdds extends Counted {
  readonly depth: number;
  readonly guarantee: Guarantee | null;
}

/**
 * Each run at that depth meets the fault with this probability at least: 1/(n*k^(d-1)), with n threads, and with k the most
 * steps that some random walks and the counterexamples have taken.
 */
export interface Guarantee {
  readonly depth: number;
  readonly threads: number;
  readonly steps: number;
  readonly probability: number;
  /** It is only for runs on which every step with several ways takes the right one. */
  readonly hasWays: boolean;
}

export interface Odds {
  readonly random: Computed | Counted;
  readonly pct: PctOdds;
}

export interface OddsOptions {
  readonly runs: number;
  readonly seed: number;
}

export interface Sought {
  /** Its key. */
  readonly fault: string;
  /** At which PCT can come to it: one more than its run in the variant as it stands has preemptions. */
  readonly depth: number;
  /** So many orderings of two steps bring it about whatever else happens; null where that is not known. */
  readonly orderings: number | null;
  /** How many steps its counterexample has: PCT counts from the first to the last of them. */
  readonly steps: number;
}

/** Runs a search to its end, or until it is stopped. */
type Run = <R>(search: Generator<null, R, string | null>) => Promise<R>;

const MOST_STEPS = 10_000;
/** More states than this are not explored for the chances alone. */
const MOST_STATES = 200_000;
/** What is known no better than this is counted instead. */
const WORST = 0.01;
const WALKS = 100;

/** @param whole every state, where the search has them */
export async function oddsOf(
  program: Program,
  variant: Variant,
  whole: Explored | null,
  sought: readonly Sought[],
  { runs, seed }: OddsOptions,
  run: Run,
): Promise<readonly Odds[]> {
  const options: SampleOptions = { runs, seed, maxSteps: MOST_STEPS, maxStates: Infinity };
  const computed = await compute(program, variant, whole, run);
  const walked = await run(quietly(randomWalk(program, variant, computed === null ? options : { ...options, runs: WALKS })));
  const steps = Math.max(1, walked.depth, ...sought.map((one) => one.steps));
  const byDepth = new Map<number, Sampled>();
  for (const { depth } of sought)
    if (!byDepth.has(depth)) byDepth.set(depth, await run(quietly(pct(program, variant, { ...options, depth, steps }))));
  return sought.map(({ fault, depth, orderings }) => ({
    random: computed === null ? counted(walked, fault, seed) : computedFor(fault, computed),
    pct: {
      ...counted(byDepth.get(depth) as Sampled, fault, seed),
      depth,
      guarantee: orderings === null ? null : guaranteeOf(orderings, program, steps),
    },
  }));
}

/** A bug of depth d is one for which d orderings of two steps suffice (Burckhardt and others, ASPLOS 2010). */
const guaranteeOf = (depth: number, { threads, positions }: Program, steps: number): Guarantee => ({
  depth,
  threads,
  steps,
  probability: 1 / (threads * steps ** (depth - 1)),
  hasWays: positions.some(({ ways }) => ways > 1),
});

interface ByAllStates {
  readonly explored: Explored;
  readonly chances: WalkChances;
}

async function compute(program: Program, variant: Variant, whole: Explored | null, run: Run): Promise<ByAllStates | null> {
  const explored = whole ?? (await run(quietly(explore(program, variant, { maxStates: MOST_STATES }))));
  if (explored.cut !== null) return null;
  const chances = await run(walkChances(explored));
  return chances.open > WORST ? null : { explored, chances };
}

function computedFor(fault: string, { explored, chances: { first, open } }: ByAllStates): Computed {
  const number = explored.judge.numberOf(fault);
  const low = (number === null ? undefined : first.get(number)) ?? 0;
  return { by: 'all states', low, high: Math.min(1, low + open), states: explored.states };
}

function counted({ judge, first, runs }: Sampled, fault: string, seed: number): Counted {
  const number = judge.numberOf(fault);
  const hits = (number === null ? undefined : first.get(number)) ?? 0;
  return { by: 'runs', hits, runs, seed, ...(runs === 0 ? { low: 0, high: 1 } : scoreInterval(hits, runs)) };
}

/** The check has its verdict: how far these come is nobody's progress, and what they leave out no checkpoint. */
function* quietly<R>(search: Generator<unknown, R, string | null>): Generator<null, R, string | null> {
  for (let turn = search.next(null); ; turn = search.next(yield null)) if (turn.done) return turn.value;
}
