/** Programs of a few lines, for tests of the checker itself. */
import type { Operation } from '../../actors/step.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { type Field, field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { type CheckResult, checkVariant, defineScenario, type Scenario, type Variant } from '../../src/index.ts';

export const cells = struct('cells', { x: field<number>(0), y: field<number>(0), z: field<number>(0), m: mutex(), n: mutex() });
export type Cells = HandleTo<typeof cells>;

export function* read(cell: Handle<Field<number>>): Operation<number> {
  return yield* load(cell);
}

export function* write(cell: Handle<Field<number>>, value: number): Operation {
  yield* store(cell, value);
}

/** `t = x; x = t + 1; return t` */
export function* increment({ x }: Cells): Operation<number> {
  const t = yield* load(x);
  yield* store(x, t + 1);
  return t;
}

/** The same between lock and unlock. */
export function* locked_increment(cells: Cells): Operation<number> {
  yield* mutex_lock(cells.m);
  const t = yield* increment(cells);
  yield* mutex_unlock(cells.m);
  return t;
}

export const scenarioOf = (variants: Scenario['variants']): Scenario =>
  defineScenario({ name: 'tiny', summary: 'A program of a few lines', source: 'this test', covers: [], tags: [], variants });

export const checkTiny = (variant: Variant, maxStates = 100_000): Promise<CheckResult> =>
  checkVariant(scenarioOf({ it: variant }), 'it', { maxStates });

/** What was found, in a line each: kind, object, racing pair. */
export const summaries = ({ findings }: Pick<CheckResult, 'findings'>): readonly string[] =>
  findings.map(({ kind, object, pair }) => `${kind} ${object}${pair.between === null ? '' : ` ${pair.between.join('..')}`}`);
