/** What is left of small programs when they are edited. */
import { Sites } from '../../src/edits/sites.ts';
import type { Edit, SiteKey } from '../../src/model/edit.ts';
import { editVariant } from '../../src/model/edit-variant.ts';
import { LiveRun, random, roundRobin, type Variant } from '../../src/index.ts';
import { plain } from './searches.ts';

/** The steps of one run in C, in order. */
export async function stepsOf(design: Variant, edits: readonly Edit[], seed: number | null = null): Promise<readonly string[]> {
  const strategy = seed === null ? roundRobin(Object.keys(design.threads)) : random(seed);
  const { steps } = await new LiveRun(editVariant(design, edits)).run(strategy);
  return steps.map(({ c }) => c);
}

/** The place of a step, by its event, its function and, where it has several of them, which. */
export function placesOf(design: Variant): (event: string, inFunction?: string, nth?: number) => SiteKey {
  const all = [...new Sites(plain(design).program).all.values()].toSorted(
    (a, b) => a.place.line - b.place.line || a.place.column - b.place.column,
  );
  return (event, inFunction, nth = 0) => {
    const found = all.filter((site) => site.event === event && (inFunction === undefined || site.function === inFunction))[nth];
    if (found === undefined) throw new RangeError(`no ${event} among ${all.map(({ key }) => key).join(', ')}`);
    return found.key;
  };
}
