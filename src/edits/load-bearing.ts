/** Which parts of the kernel code in play are load-bearing: each is taken away in turn, and the variants are explored again. */
import type { Scenario } from '../model/scenario.ts';
import type { Element, ElementResult, LoadBearing, Trial } from './element.ts';
import type { Laboratory } from './laboratory.ts';

export interface LoadBearingOptions {
  readonly variants?: readonly string[];
  /** Only these kinds of element. */
  readonly kinds?: readonly Element['kind'][];
  /** Try the other variants also when one has broken. */
  readonly all?: boolean;
  /** Why to stop; null to go on. */
  readonly reason?: () => string | null;
  readonly onProgress?: (progress: { readonly done: number; readonly of: number; readonly element: Element }) => void;
}

/** Elements are tried side by side, the variants of one in turn: that with the fewest states first. */
export async function loadBearing(
  scenario: Scenario,
  laboratory: Laboratory,
  options: LoadBearingOptions = {},
): Promise<LoadBearing> {
  const began = performance.now();
  const { variants = Object.keys(scenario.variants), kinds, all = false, reason = () => null, onProgress } = options;
  const surveys = await Promise.all(variants.map((variant) => laboratory.survey(scenario, variant)));
  const bySize = surveys.toSorted((a, b) => a.states - b.states);
  const elements = new Map<string, Element>();
  for (const element of bySize.flatMap((known) => known.elements))
    if (!elements.has(element.id) && (kinds === undefined || kinds.includes(element.kind))) elements.set(element.id, element);
  let done = 0;
  const results = [...elements.values()].map(async (element): Promise<ElementResult> => {
    const trials: Trial[] = [];
    for (const known of bySize) {
      const own = known.elements.find(({ id }) => id === element.id);
      if (own === undefined || reason() !== null) continue;
      const trial = await laboratory.try(scenario, known, own);
      trials.push(trial);
      if (trial.outcome === 'breaks' && !all) break;
    }
    onProgress?.({ done: ++done, of: elements.size, element });
    return { element, verdict: verdictOf(trials, reason() !== null || surveys.some(({ cut }) => cut !== null)), trials };
  });
  return {
    scenario: scenario.name,
    results: await Promise.all(results),
    surveys: surveys.map(({ variant, cut, states, reached }) => ({ variant, cut, states, reached })),
    seconds: (performance.now() - began) / 1000,
    stopped: reason(),
  };
}

/** @param isPartial something was stopped, or a variant is too big to say what is in it: then nothing is not needed */
function verdictOf(trials: readonly Trial[], isPartial: boolean): ElementResult['verdict'] {
  const outcomes = trials.map(({ outcome }) => outcome);
  if (outcomes.includes('breaks')) return 'load-bearing';
  if (isPartial || outcomes.includes('cut')) return 'unknown';
  if (outcomes.includes('unreached')) return 'unreached';
  return outcomes.includes('holds') ? 'unneeded' : 'untried';
}
