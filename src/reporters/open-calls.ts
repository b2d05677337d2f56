/** The calls that stand open around a step, and how far those of two steps are the same. */
import type { TraceStep } from '../trace/trace.ts';

export interface Open {
  readonly name: string;
  /** Where it was called; null where that is not known. */
  readonly site: string | null;
}

/** The calls around a step. A primitive that is a function itself is what the step already says. */
export function opened({ functions, callSites, c }: TraceStep): readonly Open[] {
  return aroundIts(functions, c).map((name, depth) => ({ name, site: callSites[depth] ?? null }));
}

export const aroundIts = (functions: readonly string[], c: string): readonly string[] =>
  c.startsWith(`${functions.at(-1)}(`) ? functions.slice(0, -1) : functions;

export function commonStart(old: readonly Open[], now: readonly Open[]): readonly Open[] {
  const differs = now.findIndex(({ name, site }, depth) => {
    const known = old[depth];
    return known === undefined || known.name !== name || (site !== null && known.site !== null && known.site !== site);
  });
  return differs < 0 ? now : now.slice(0, differs);
}
