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
  let pass = from?.pass ?? passOf(program, 1, { always: new Set(), sometimes: new Set() });
  for (let resumed = from; ; resumed = null) {
    const { number, reads, known } = pass;
    const reduction = new StubbornSets(program, new Judge(program, variant), reads);
    const explored = yield* explore(program, variant, limits, { reduction, pass, from: resumed });
    const isLast = program.knowledge === known && size(explored.reads) === size(reads);
    if (isLast || explored.cut !== null) {
      rehearse(program, program.initial());
      return { ...explored, passes: number };
    }
    pass = passOf(program, number + 1, {
      always: new Set([...reads.always, ...explored.reads.always]),
      sometimes: new Set([...reads.sometimes, ...explored.reads.sometimes]),
    });
  }
}

const passOf = (program: Program, number: number, reads: Reads): Pass => ({
  number,
  reads,
  known: program.knowledge,
  learned: program.journal.length,
});

const size = ({ always, sometimes }: Reads): number => always.size + sometimes.size;
