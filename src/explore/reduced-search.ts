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
import { forecastOf } from './reduction/forecast.ts';
import { StubbornSets } from './reduction/stubborn-sets.ts';
import type { Reads } from './witness.ts';

export interface Reduced extends Explored {
  /** How often it went over everything. */
  readonly passes: number;
}

export function* exploreReduced(program: Program, variant: Variant, limits: Limits): Search<Reduced> {
  let reads: Reads = { always: new Set(), sometimes: new Set() };
  for (let passes = 1; ; passes++) {
    const known = program.knowledge;
    const judge = new Judge(program, variant);
    const reduction = new StubbornSets(program, forecastOf(program, reads), (state) => judge.isWrong(state));
    const explored = yield* explore(program, variant, limits, reduction);
    const isLast = program.knowledge === known && size(explored.reads) === size(reads);
    if (isLast || explored.cut !== null) {
      rehearse(program, program.initial());
      return { ...explored, passes };
    }
    reads = {
      always: new Set([...reads.always, ...explored.reads.always]),
      sometimes: new Set([...reads.sometimes, ...explored.reads.sometimes]),
    };
  }
}

const size = ({ always, sometimes }: Reads): number => always.size + sometimes.size;
