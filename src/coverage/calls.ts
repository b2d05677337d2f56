/** What the calls of a scenario returned, which ways their steps went, and which of them ran into one another. */
import type { Json } from '../../machines/object.ts';
import type { Judge } from '../explore/judge.ts';
import { plainName } from '../model/names.ts';
import type { Position, Program } from '../tables/program.ts';
import { errnoName } from './errno-names.ts';
import { byText } from './machines.ts';
import { numbersIn, type Visits } from './visits.ts';

export interface OperationResults {
  readonly operation: string;
  readonly results: readonly string[];
}

/** A step that offers several ways: a choice of the environment, or a wait and its ways out. */
export interface StepWays {
  readonly function: string;
  readonly step: string;
  readonly taken: readonly string[];
  readonly never: readonly string[];
}

export interface RacedPair {
  readonly operations: readonly [string, string];
  /** Their next steps spoke to one part, and not both only to read it; else they were merely open side by side. */
  readonly raced: boolean;
}

export function resultsIn({ program, positions }: Visits): readonly OperationResults[] {
  const results = new Map<string, Set<string>>();
  for (const id of numbersIn(positions)) {
    const { root, thread } = program.positions[id] as Position;
    const { calls } = program.world.threads[thread] ?? { calls: [] };
    for (const [index, { operation, result }] of calls.entries()) {
      const value = index in root.results ? root.results[index] : root.locals[result ?? ''];
      const known = results.get(operation.name) ?? new Set();
      results.set(operation.name, known);
      if (value !== undefined) known.add(spellResult(value));
    }
  }
  return [...results].map(([operation, values]) => ({ operation, results: [...values].toSorted() })).toSorted(byText);
}

function spellResult(value: Json): string {
  const at = typeof value === 'object' && value !== null && 'at' in value ? (value as { readonly at: Json }).at : null;
  if (typeof at === 'string') return at === 'NULL' ? 'NULL' : 'a pointer';
  return value === null ? 'nothing' : errnoName(JSON.stringify(value));
}

export function waysIn({ program, positions, ways }: Visits, judge: Judge): readonly StepWays[] {
  const found = new Map<string, { readonly function: string; readonly step: string; readonly all: Map<string, boolean> }>();
  for (const id of numbersIn(positions)) {
    const position = program.positions[id] as Position;
    if (position.ways < 2) continue;
    const { function: name } = judge.siteOf(position);
    const step = stepName(position);
    const key = `${name} ${step}`;
    const known = found.get(key) ?? { function: name, step, all: new Map() };
    found.set(key, known);
    for (let way = position.firstWay; way < position.firstWay + position.ways; way++) {
      const wayName = program.ways[way]?.name ?? '';
      known.all.set(wayName, (known.all.get(wayName) ?? false) || ways[way] === 1);
    }
  }
  const named = (all: ReadonlyMap<string, boolean>, taken: boolean) =>
    [...all]
      .filter(([, was]) => was === taken)
      .map(([way]) => way)
      .toSorted();
  return [...found.values()]
    .map(({ function: name, step, all }) => ({ function: name, step, taken: named(all, true), never: named(all, false) }))
    .toSorted(byText);
}

/** A choice by what is chosen; another step by its event, and the field of whatever object it is said to. */
function stepName({ step }: Position): string {
  const { event, object } = step ?? { event: { type: '' }, object: '' };
  const what = 'what' in event ? event['what'] : null;
  if (typeof what === 'string') return what;
  const field = plainName(object).split('.').slice(1).join('.');
  return `${event.type}(${field === '' ? object : field})`;
}

export function racesIn({ program, beside }: Visits): readonly RacedPair[] {
  const pairs = new Map<string, RacedPair>();
  for (const [one, others] of beside)
    for (const other of numbersIn(others)) {
      const operations = [operationAt(program, one), operationAt(program, other)].toSorted() as [string, string];
      const key = operations.join(' ');
      if (pairs.get(key)?.raced) continue;
      pairs.set(key, { operations, raced: conflict(program, one, other) });
    }
  return [...pairs.values()].toSorted(byText);
}

function operationAt({ positions, world }: Program, id: number): string {
  const { thread, root } = positions[id] as Position;
  return world.threads[thread]?.calls[root.call]?.operation.name ?? '';
}

/** Some way of the one and some way of the other speak to one part, and one of them not only to read it. */
function conflict(program: Program, one: number, other: number): boolean {
  const [a, b] = [accessesOf(program, one), accessesOf(program, other)];
  return [...a].some(([slot, onlyReads]) => b.has(slot) && !(onlyReads && b.get(slot)));
}

/** By slot, whether all that is said to it is a read. The touch of an allocation means nothing by itself. */
function accessesOf({ positions, ways }: Program, id: number): ReadonlyMap<number, boolean> {
  const { firstWay, ways: count } = positions[id] as Position;
  const accesses = new Map<number, boolean>();
  for (const { slots, means } of ways.slice(firstWay, firstWay + count))
    for (const [i, slot] of slots.entries()) {
      const kind = means[i]?.kind;
      if (kind !== undefined && kind !== 'choose') accesses.set(slot, (accesses.get(slot) ?? true) && kind === 'read');
    }
  return accesses;
}
