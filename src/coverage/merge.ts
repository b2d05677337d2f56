/** What several searches have covered together. */
import type { OperationResults, RacedPair, StepWays } from './calls.ts';
import type { VariantCoverage } from './coverage.ts';
import { byText, type MachineCoverage, type PartCoverage } from './machines.ts';

export interface Covered extends Pick<VariantCoverage, 'machines' | 'operations' | 'ways' | 'pairs'> {
  readonly variants: readonly Pick<VariantCoverage, 'scenario' | 'variant' | 'states' | 'cut' | 'sometimes'>[];
  readonly code: readonly CodeFile[];
}

/** A file of kernel code: lines are those of its source. */
export interface CodeFile {
  readonly file: string;
  readonly functions: readonly { readonly name: string; readonly line: number; readonly run: boolean }[];
  readonly errnos: readonly {
    readonly errno: string;
    readonly function: string;
    readonly line: number;
    readonly run: boolean;
  }[];
}

export const merge = (all: readonly VariantCoverage[], code: readonly CodeFile[]): Covered => ({
  variants: all.map(({ scenario, variant, states, cut, sometimes }) => ({ scenario, variant, states, cut, sometimes })),
  machines: together(
    all.flatMap(({ machines }) => machines),
    ({ machine, states, transitions }) => JSON.stringify([machine, states, transitions]),
    twoMachines,
  ),
  operations: together(
    all.flatMap(({ operations }) => operations),
    ({ operation }) => operation,
    twoOperations,
  ),
  ways: together(
    all.flatMap(({ ways }) => ways),
    ({ function: name, step }) => JSON.stringify([name, step]),
    twoSteps,
  ),
  pairs: together(
    all.flatMap(({ pairs }) => pairs),
    ({ operations }) => JSON.stringify(operations),
    (a, b): RacedPair => ({ operations: a.operations, raced: a.raced || b.raced }),
  ),
  code: together(code, ({ file }) => file, twoFiles),
});

/** What has the same key becomes one; in the order of the keys. */
function together<T>(all: readonly T[], keyOf: (one: T) => string, join: (a: T, b: T) => T): readonly T[] {
  const byKey = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? one : join(known, one));
  }
  return [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

const union = (a: readonly string[], b: readonly string[]): readonly string[] => [...new Set([...a, ...b])].toSorted();

const twoMachines = (a: MachineCoverage, b: MachineCoverage): MachineCoverage => ({
  ...a,
  parts: together(
    [...a.parts, ...b.parts],
    ({ part }) => part,
    (one, other): PartCoverage => ({ part: one.part, entered: union(one.entered, other.entered) }),
  ),
  entered: union(a.entered, b.entered),
  taken: together(
    [...a.taken, ...b.taken],
    (taken) => JSON.stringify(taken),
    (one) => one,
  ).toSorted(byText),
});

const twoOperations = (a: OperationResults, b: OperationResults): OperationResults => ({
  operation: a.operation,
  results: union(a.results, b.results),
});

function twoSteps(a: StepWays, b: StepWays): StepWays {
  const taken = union(a.taken, b.taken);
  return { ...a, taken, never: union(a.never, b.never).filter((way) => !taken.includes(way)) };
}

/** The same file, told of in the same order. */
const twoFiles = (a: CodeFile, b: CodeFile): CodeFile => ({
  file: a.file,
  functions: a.functions.map((each, i) => ({ ...each, run: each.run || b.functions[i]?.run === true })),
  errnos: a.errnos.map((each, i) => ({ ...each, run: each.run || b.errnos[i]?.run === true })),
});
