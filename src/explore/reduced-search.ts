/**
 * The search that leaves out what only repeats itself. What the threads may yet do, and what conflicts with it, it learns
 * on the way, so it goes over everything again until a pass has met nothing new: only that pass counts.
 */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import type { Search } from './found.ts';
import { Judge } from './judge.ts';
import { type Explored, explore, type Limits } from './plain-search.ts';
import { StubbornSets } from './reduction/stubborn-sets.ts';
import type { Reads } from './witness.ts';

export interface Reduced extends Explored {
  /** How often it went over everything. */
  readonly passes: number;
}

export function* exploreReduced(program: Program, variant: Variant, limits: Limits): Search<Reduced> {
  const reached = new Set<string>();
  const givenUp = new Set<number>();
  let reads: Reads = { always: new Set(), sometimes: new Map() };
  for (let passes = 1; ; passes++) {
    const known = program.knowledge;
    const reduction = new StubbornSets(program, new Judge(program, variant), reads, givenUp);
    const explored = yield* explore(program, variant, limits, reduction);
    for (const wanted of explored.sometimes) if (wanted.reached) reached.add(wanted.name);
    const read = unreached(explored.reads, reached);
    const isLast = program.knowledge === known && isWithin(read, reads);
    if (isLast || explored.cut !== null) {
      rehearse(program, program.initial());
      return { ...explored, passes, sometimes: explored.sometimes.map(({ name }) => ({ name, reached: reached.has(name) })) };
    }
    reads = both(unreached(reads, reached), read);
  }
}

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
