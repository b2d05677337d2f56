/** Which search decides, and what it can claim. */
import type { Found, Progress } from '../explore/found.ts';
import { cutAt, type Explored, explore, type Limits } from '../explore/plain-search.ts';
import { exploreReduced } from '../explore/reduced-search.ts';
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';

export type StrategyName = 'auto' | 'plain' | 'reduced';

export interface Searched {
  readonly found: Found;
  /** The search that the verdict rests on. */
  readonly strategy: Exclude<StrategyName, 'auto'>;
  /** All states with all steps between them, in which what never ends is looked for; null where they are not to be had. */
  readonly whole: Explored | null;
}

/** So few states are met before anything about conflicts could be learned. */
const FEW_STATES = 20_000;

type Turns<R> = Generator<Progress, R, string | null>;

export function* searchBy(name: StrategyName, program: Program, variant: Variant, limits: Limits): Turns<Searched> {
  switch (name) {
    case 'auto':
      return yield* automatically(program, variant, limits);
    case 'plain':
      return byAll(yield* explore(program, variant, limits));
    case 'reduced':
      return { found: yield* exploreReduced(program, variant, limits), strategy: 'reduced', whole: null };
  }
}

/**
 * Every state if they are few. If they are many, what only repeats itself is left out; every state is then met only where
 * a thread goes round a loop, for what never ends shows nowhere else.
 */
function* automatically(program: Program, variant: Variant, limits: Limits): Turns<Searched> {
  const few = Math.min(FEW_STATES, limits.maxStates);
  const first = yield* explore(program, variant, { maxStates: few });
  if (few === limits.maxStates || first.cut !== cutAt(few)) return byAll(first);
  const found = yield* exploreReduced(program, variant, limits);
  if (found.cut === null && program.hasLoops) {
    const all = yield* explore(program, variant, limits);
    if (all.cut === null) return byAll(all);
  }
  return { found, strategy: 'reduced', whole: null };
}

const byAll = (found: Explored): Searched => ({ found, strategy: 'plain', whole: found });
