/** Programs whose number of traces is published: how fast they are counted, and whether the count is right. */
import type { BenchRow } from '../src/reporters/schemas.ts';
import type { Variant } from '../src/index.ts';
import { rowOf } from './rows.ts';

export interface Published {
  readonly name: string;
  readonly variant: Variant;
  /** As published. */
  readonly traces: number;
  readonly dependence: string;
}

/** @param count runs the search that goes along traces, and tells how many there were */
export function* traceRows(programs: readonly Published[], count: (program: Published) => number): Generator<BenchRow> {
  for (const program of programs) {
    const began = performance.now();
    const traces = count(program);
    const seconds = (performance.now() - began) / 1000;
    if (traces !== program.traces)
      throw new Error(`${program.name} has ${program.traces} traces as published, and ${traces} were counted`);
    yield rowOf({ work: `traces of ${program.name}`, n: traces, states: traces, seconds });
  }
}
