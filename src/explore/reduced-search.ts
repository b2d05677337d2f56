/**
 * The search that leaves out what only repeats itself. What the threads may yet do, and what conflicts with it, it learns
 * on the way, so it goes over everything again until a pass has met nothing new: only that pass counts.
 */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import type { Pass, Resumption } from './checkpoint.ts';
import type { Search } from './found.ts';
import { Judge } from './judge.ts';
import { type Explored, explore, type Limits } from './plain-search.ts';
import { forecastOf } from './reduction/forecast.ts';
import { StubbornSets } from './reduction/stubborn-sets.ts';
import type { Reads } from './witness.ts';

export interface Reduced extends Explored {
  /** How often it went over everything. */
  readonly passes: number;
}

/**
 * @param from where another reduced search ended: in the middle of a pass this one goes on there, with a reduction that is
 * made of what was known when that pass began. It is a function of nothing else, so that it leaves out the same.
 * @throws ModelError if the checkpoint is of other sources, or of a plain search
 */
export function* exploreReduced(
  program: Program,
  variant: Variant,
  limits: Limits,
  from: Resumption | null = null,
): Search<Reduced> {
  from?.refuseUnlessOf('reduced');
  from?.relearnPass(program);
  const givenUp = new Set<number>();
  let pass = from?.pass ?? firstPass(program);
  for (let resumed = from; ; resumed = null) {
    const judge = new Judge(program, variant);
    const forecast = forecastOf(program, pass.reads, givenUp, limits.keepsRaces);
    const reduction = new StubbornSets(program, forecast, (state) => judge.isWrong(state));
    const explored = yield* explore(program, variant, limits, { reduction, pass, from: resumed });
    const { isLast, next } = conclude(program, pass, explored);
    if (isLast || explored.cut !== null) {
      rehearse(program, program.initial());
      return { ...explored, passes: pass.number, sometimes: withReached(explored.sometimes, next) };
    }
    pass = next;
  }
}

export const firstPass = (program: Program): Pass => passOf(program, 1, { always: new Set(), sometimes: new Map() }, new Set());

/** Whether the pass has met nothing new; and if it has, what the next begins with. */
export function conclude(
  program: Program,
  { number, reads, reached: before, known }: Pass,
  explored: Pick<Explored, 'reads' | 'sometimes'>,
): { readonly isLast: boolean; readonly next: Pass } {
  const reached = new Set([...before, ...explored.sometimes.filter((goal) => goal.reached).map(({ name }) => name)]);
  const read = unreached(explored.reads, reached);
  return {
    isLast: program.knowledge === known && isWithin(read, reads),
    next: passOf(program, number + 1, both(unreached(reads, reached), read), reached),
  };
}

/** What earlier passes have reached is reached. */
export const withReached = (sometimes: Explored['sometimes'], { reached }: Pass): Explored['sometimes'] =>
  sometimes.map(({ name }) => ({ name, reached: reached.has(name) }));

const passOf = (program: Program, number: number, reads: Reads, reached: ReadonlySet<string>): Pass => ({
  number,
  reads,
  reached,
  known: program.knowledge,
  learned: program.journal.length,
});

/** What a pass has reached can be reached, even if that pass was not the last: nobody has to look for it any more. */
const unreached = ({ always, sometimes }: Reads, reached: ReadonlySet<string>): Reads => ({
  always,
  sometimes: new Map([...sometimes].filter(([name]) => !reached.has(name))),
});

const isWithin = ({ always, sometimes }: Reads, known: Reads): boolean =>
  isSubset(always, known.always) && [...sometimes].every(([name, places]) => isSubset(places, known.sometimes.get(name)));

const isSubset = (some: ReadonlySet<number>, all: ReadonlySet<number> = new Set()): boolean =>
  [...some].every((place) => all.has(place));

const both = (one: Reads, other: Reads): Reads => ({
  always: new Set([...one.always, ...other.always]),
  sometimes: new Map(
    [...one.sometimes.keys(), ...other.sometimes.keys()].map((name) => [
      name,
      new Set([...(one.sometimes.get(name) ?? []), ...(other.sometimes.get(name) ?? [])]),
    ]),
  ),
});
