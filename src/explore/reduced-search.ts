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
  let pass = from?.pass ?? passOf(program, 1, { always: new Set(), sometimes: new Map() }, new Set());
  for (let resumed = from; ; resumed = null) {
    const { number, reads, known } = pass;
    const reduction = new StubbornSets(program, new Judge(program, variant), reads, givenUp);
    const explored = yield* explore(program, variant, limits, { reduction, pass, from: resumed });
    const reached = new Set([...pass.reached, ...explored.sometimes.filter(({ reached }) => reached).map(({ name }) => name)]);
    const read = unreached(explored.reads, reached);
    const isLast = program.knowledge === known && isWithin(read, reads);
    if (isLast || explored.cut !== null) {
      rehearse(program, program.initial());
      const sometimes = explored.sometimes.map(({ name }) => ({ name, reached: reached.has(name) }));
      return { ...explored, passes: number, sometimes };
    }
    pass = passOf(program, number + 1, both(unreached(reads, reached), read), reached);
  }
}

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
