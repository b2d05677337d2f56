/** What the search of one variant has covered: all of it survives JSON, so that threads can share the work. */
import type { Explored } from '../explore/plain-search.ts';
import { explore } from '../explore/plain-search.ts';
import type { Progress } from '../explore/found.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import { type OperationResults, type RacedPair, racesIn, resultsIn, type StepWays, waysIn } from './calls.ts';
import { type MachineCoverage, machinesIn } from './machines.ts';
import { visitsOf } from './visits.ts';

export interface VariantCoverage {
  readonly scenario: string;
  readonly variant: string;
  readonly states: number;
  /** Which bound ended the search; null when nothing was left out. */
  readonly cut: string | null;
  readonly machines: readonly MachineCoverage[];
  readonly operations: readonly OperationResults[];
  readonly ways: readonly StepWays[];
  readonly pairs: readonly RacedPair[];
  readonly sometimes: readonly Wanted[];
}

/** What a scenario says is reached in some state. */
export interface Wanted {
  readonly name: string;
  readonly reached: boolean;
  /** That it is not reached is what the scenario expects. */
  readonly expected: boolean;
}

/** State by state: a reduction leaves out states in which threads stand beside each other, and that is asked here. */
export function* coverVariant(
  scenario: Scenario,
  name: string,
  variant: Variant,
  maxStates: number,
): Generator<Progress, VariantCoverage, string | null> {
  const kept = keepingResults(variant);
  const found: Explored = yield* explore(new Program(kept), kept, { maxStates });
  const visits = visitsOf(found);
  return {
    scenario: scenario.name,
    variant: name,
    states: found.states,
    cut: found.cut,
    machines: machinesIn(visits),
    operations: resultsIn(visits),
    ways: waysIn(visits, found.judge),
    pairs: racesIn(visits),
    sometimes: found.sometimes.map(({ name: wanted, reached }) => ({
      name: wanted,
      reached,
      expected: variant.expect.some(({ kind, object }) => kind === 'never-reached' && object === wanted),
    })),
  };
}

/** What each call returned is kept to the end, where there is one. */
const keepingResults = (variant: Variant): Variant =>
  Object.values(variant.threads).some(({ kind, forever }) => kind === 'task' && forever) || variant.serialisable !== null
    ? variant
    : { ...variant, serialisable: [] };
