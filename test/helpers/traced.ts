/** Runs a search of traces to its end. */
import { exploreTraces, type TraceLimits, type Traced } from '../../src/explore/dpor/explore-traces.ts';
import type { Variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';

export function traced(design: Variant, limits: TraceLimits = {}, program = new Program(design)): Traced {
  const search = exploreTraces(program, design, limits);
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}
