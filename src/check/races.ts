/**
 * Data races beside a search that stores states. By the one definition both accesses are next in one state, and all stored
 * states are looked at; by the other no synchronisation orders them on some run, and all runs that differ are taken, as far
 * as a bound lets them. The second finds what the first does, and more.
 */
import { countPreemptions } from '../explore/best-search.ts';
import type { DataRace } from '../explore/dpor/causality.ts';
import { exploreTraces } from '../explore/dpor/explore-traces.ts';
import type { Progress, Sighting } from '../explore/found.ts';
import type { Judge } from '../explore/judge.ts';
import type { Explored } from '../explore/plain-search.ts';
import { racesIn } from '../explore/races/sweep.ts';
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';

/** What was looked for, and how far. */
export interface RacesSearched {
  readonly sightings: readonly Sighting[];
  /** The faults that show in one state: a better way to them can be searched for. */
  readonly met: ReadonlySet<number>;
  /** By happens-before nothing was left out. */
  readonly isWhole: boolean;
  readonly note: string;
}

/** As many runs as take some seconds. */
const MOST_TRACES = 5000;

export async function* racesBeside(
  explored: Explored,
  variant: Variant,
  turns: number,
): AsyncGenerator<Progress, RacesSearched, string | null> {
  const { program, judge } = explored;
  const meeting = yield* racesIn(explored);
  const traced = yield* exploreTraces(program, variant, { maxTurns: turns, maxTraces: MOST_TRACES });
  const met = new Set(meeting.map(({ fault }) => fault));
  const unordered = racesOf(traced.races, program, judge);
  const better = unordered.filter(({ fault, primary }) => primary && meeting.some((one) => one.fault === fault && !one.primary));
  for (const { fault } of better) met.delete(fault);
  const sightings = [...meeting, ...unordered.filter(({ fault }) => !met.has(fault))].filter(
    (one) => !better.some((other) => other !== one && other.fault === one.fault),
  );
  const also = traced.cut === null ? ', and by happens-before' : `; by happens-before not all runs were taken (${traced.cut})`;
  return { sightings, met, isWhole: traced.cut === null, note: `Data races: both accesses next in one state${also}.` };
}

/** Each race once, however many traces show it: as one that comes first, if there is such, with few preemptions. */
export function racesOf(races: readonly DataRace[], program: Program, judge: Judge): readonly Sighting[] {
  const best = new Map<number, { readonly race: DataRace; readonly cost: number }>();
  for (const race of races) {
    const { id } = judge.ofRace(race.slot, race.accesses);
    const cost = countPreemptions(program, race.way()) + (race.primary ? 0 : Infinity);
    const known = best.get(id);
    if (known === undefined || cost < known.cost) best.set(id, { race, cost });
  }
  return [...best].map(([fault, { race }]) => ({ fault, primary: race.primary, byStep: true, way: race.way }));
}
