/** Which search decides, and what the verdict can rest on. */
import { bitstate } from '../explore/bitstate.ts';
import { boundedSearch } from '../explore/bounded-search.ts';
import { exploreTraces } from '../explore/dpor/explore-traces.ts';
import type { Dependence } from '../explore/dpor/footprint.ts';
import type { Resumption } from '../explore/checkpoint.ts';
import type { Found, Progress } from '../explore/found.ts';
import { exploreInParallel } from '../explore/parallel/parallel-search.ts';
import { cutAt, type Explored, explore, type Limits } from '../explore/plain-search.ts';
import { exploreReduced } from '../explore/reduced-search.ts';
import { pct } from '../explore/sample/pct.ts';
import { pos } from '../explore/sample/pos.ts';
import { randomWalk } from '../explore/sample/random-walk.ts';
import { countTraces } from '../explore/trace-count.ts';
import { ModelError } from '../model/errors.ts';
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { racesBeside, racesOf } from './races.ts';

/** What a user asks for. */
export const STRATEGIES = ['auto', 'plain', 'reduced', 'dpor', 'bitstate', 'pct', 'pos', 'random'] as const;
export type StrategyName = (typeof STRATEGIES)[number];

export interface How {
  readonly strategy: StrategyName;
  /** Only schedules with at most so many preemptions: by `auto`, `plain` and, which counts traces, `dpor`. */
  readonly preemptions: number | null;
  /** Of `dpor`: what makes two steps conflict. */
  readonly dependence: Dependence;
  /** Of `dpor`: how often a thread goes round a loop. */
  readonly turns: number;
  /** Of `pct`, `pos`, `random`. */
  readonly runs: number;
  readonly seed: number;
  /** Of `pct`: how many orders of two steps a bug needs. */
  readonly depth: number;
  /** Of `bitstate`: the size of its table. */
  readonly megabytes: number;
  /** Threads that share one search, by `auto`, `plain` and `reduced`. */
  readonly workers: number;
  /** Look for data races where the scenario does not ask; by `auto`, `plain`, `reduced`, and anyway by `dpor`. */
  readonly races: boolean;
}

export const USUALLY: How = {
  strategy: 'auto',
  preemptions: null,
  dependence: 'location',
  turns: 3,
  runs: 10_000,
  seed: 1,
  depth: 3,
  megabytes: 64,
  workers: 1,
  races: false,
};

export interface Searched {
  readonly found: Found;
  /** The search that the verdict rests on, in words where they say more than its name. */
  readonly strategy: string;
  /** All states with all steps between them, in which what never ends is looked for; null where they are not to be had. */
  readonly whole: Explored | null;
  /** The states in which runs end are among those that were stored. */
  readonly ends: Explored | null;
  /** What else is known of how far it went, in words. */
  readonly notes: readonly string[];
  /** How data races were looked for; null where they were not. */
  readonly races: RacesLookedFor | null;
}

export interface RacesLookedFor {
  /** The races that show in one state, by the numbers of their faults. */
  readonly met: ReadonlySet<number>;
  /** By happens-before nothing was left out but what the search itself has left out. */
  readonly isWhole: boolean;
}

/** To be waited for, as threads may take part. */
type Turns<R> = AsyncGenerator<Progress, R, string | null>;

/** Longer runs are cut short, by those who go along runs. */
const MOST_STEPS = 10_000;
const HASHES = 3;
/** So few states are met before anything about conflicts could be learned. */
const FEW_STATES = 10_000;

/** Those that store states, in one thread, can be interrupted and gone on with. */
export const isResumable = ({
  strategy = USUALLY.strategy,
  preemptions = null,
  workers = 1,
  races = false,
}: Partial<How> = {}): boolean =>
  preemptions === null && workers === 1 && !races && ['auto', 'plain', 'reduced'].includes(strategy);

/** @param from where a search ended that was interrupted */
export async function* searchBy(
  how: How,
  program: Program,
  variant: Variant,
  limits: Limits,
  from: Resumption | null = null,
): Turns<Searched> {
  const searched = yield* bySearch(how, program, variant, { ...limits, keepsRaces: how.races || variant.races }, from);
  if (!how.races || searched.races !== null || searched.ends !== null) return searched;
  throw new ModelError(
    `Data races are not looked for by the strategy "${searched.strategy}"`,
    'leave the strategy out, or take plain, reduced or dpor',
  );
}

/** To be done when the search has been saved, as it makes more known. */
export async function* withRaces(searched: Searched, { races: asked, turns }: How, variant: Variant): Turns<Searched> {
  const { found, ends, notes } = searched;
  if (ends === null || !(asked || variant.races)) return searched;
  const { sightings, note, ...races } = yield* racesBeside(ends, variant, turns);
  return { ...searched, found: { ...found, sightings: [...found.sightings, ...sightings] }, races, notes: [...notes, note] };
}

async function* bySearch(how: How, program: Program, variant: Variant, limits: Limits, from: Resumption | null): Turns<Searched> {
  const { strategy, preemptions } = how;
  if (preemptions !== null) return yield* withinPreemptions(how, preemptions, program, variant, limits);
  switch (strategy) {
    case 'auto':
      return yield* automatically(how, program, variant, limits, from);
    case 'plain':
      return byAll(yield* everyState(how, program, variant, limits, from));
    case 'reduced':
      return byReduction(yield* withoutRepetition(how, program, variant, limits, from));
    case 'dpor':
      return yield* byTraces(how, program, variant);
    case 'bitstate':
      return along(
        strategy,
        yield* bitstate(program, variant, { megabytes: how.megabytes, hashes: HASHES, maxDepth: MOST_STEPS }),
      );
    case 'pct':
    case 'pos':
    case 'random':
      return yield* bySamples(strategy, how, program, variant, limits);
  }
}

/**
 * Every state if they are few, or if threads go round loops: for what never ends shows nowhere else. Where they are too
 * many, or nobody loops, what only repeats itself is left out.
 */
async function* automatically(
  how: How,
  program: Program,
  variant: Variant,
  limits: Limits,
  from: Resumption | null,
): Turns<Searched> {
  const few = Math.min(FEW_STATES, limits.maxStates);
  const wasReduced = from !== null && from.pass !== null;
  const wasFew = from === null || (!wasReduced && from.states <= few);
  if (wasFew) {
    const first = yield* explore(program, variant, { maxStates: few }, { from });
    if (few === limits.maxStates || first.cut !== cutAt(few)) return byAll(first);
  }
  let found: Explored | null = null;
  if (wasReduced || (wasFew && !program.hasLoops)) {
    found = yield* withoutRepetition(how, program, variant, limits, wasReduced ? from : null);
    if (found.cut !== null || !program.hasLoops) return byReduction(found);
  }
  const all = yield* everyState(how, program, variant, limits, wasFew || wasReduced ? null : from);
  if (all.cut === null || (found === null && all.cut !== cutAt(limits.maxStates))) return byAll(all);
  return byReduction(found ?? (yield* withoutRepetition(how, program, variant, limits, null)));
}

const everyState = (how: How, program: Program, variant: Variant, limits: Limits, from: Resumption | null): Turns<Explored> =>
  shared(how, program, variant, limits, from, false);

const withoutRepetition = (
  how: How,
  program: Program,
  variant: Variant,
  limits: Limits,
  from: Resumption | null,
): Turns<Explored> => shared(how, program, variant, limits, from, true);

async function* shared(
  { workers }: How,
  program: Program,
  variant: Variant,
  limits: Limits,
  from: Resumption | null,
  reduced: boolean,
): Turns<Explored> {
  if (workers > 1) return yield* exploreInParallel(program, variant, limits, { workers, reduced });
  if (reduced) return yield* exploreReduced(program, variant, limits, from);
  return yield* explore(program, variant, limits, { from });
}

async function* withinPreemptions(
  how: How,
  preemptions: number,
  program: Program,
  variant: Variant,
  { maxStates }: Limits,
): Turns<Searched> {
  if (!['auto', 'plain', 'dpor'].includes(how.strategy))
    throw new ModelError(
      `A bound on preemptions does not go with the strategy "${how.strategy}"`,
      'leave the strategy out, or take dpor, which counts traces',
    );
  const bound = { preemptions, maxStates };
  if (how.strategy !== 'dpor') return along('bounded', yield* boundedSearch(program, variant, bound));
  const counted = yield* countTraces(program, variant, bound);
  const traces = counted.byPreemptions.map((n, k) => `${k}: ${n}`).join(', ');
  return { ...along('bounded', counted), notes: [`Traces with at most so many preemptions: ${traces}.`] };
}

async function* byTraces({ dependence, turns }: How, program: Program, variant: Variant): Turns<Searched> {
  const traced = yield* exploreTraces(program, variant, { dependence, maxTurns: turns });
  return {
    ...along(dependence === 'values' ? 'dpor, equal writes commute' : 'dpor', {
      ...traced,
      sightings: [...traced.sightings, ...racesOf(traced.races, program, traced.judge)],
    }),
    races: { met: new Set(), isWhole: traced.cut === null },
    notes: ['Data races: by happens-before.'],
  };
}

async function* bySamples(
  strategy: 'pct' | 'pos' | 'random',
  { runs, seed, depth }: How,
  program: Program,
  variant: Variant,
  { maxStates }: Limits,
): Turns<Searched> {
  const options = { runs, seed, maxSteps: MOST_STEPS, maxStates };
  switch (strategy) {
    case 'pct': {
      const sampled = yield* pct(program, variant, { ...options, depth, steps: null });
      return { ...along(strategy, sampled), notes: sampled.guarantee === null ? [] : [`PCT: ${sampled.guarantee}.`] };
    }
    case 'pos':
      return along(strategy, yield* pos(program, variant, options));
    case 'random':
      return along(strategy, yield* randomWalk(program, variant, options));
  }
}

const byAll = (found: Explored): Searched => ({ ...along('plain', found), whole: found, ends: found });
const byReduction = (found: Explored): Searched => ({ ...along('reduced', found), ends: found });
const along = (strategy: string, found: Found): Searched => ({
  found,
  strategy,
  whole: null,
  ends: null,
  notes: [],
  races: null,
});
