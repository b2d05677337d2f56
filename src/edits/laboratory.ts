/** Who tries variants without this and that: here, one after the other, in this thread. */
import pLimit from 'p-limit';
import type { Scenario } from '../model/scenario.ts';
import type { Element, Known, Survey, Trial } from './element.ts';
import { survey, TRIAL_LIMITS, type TrialLimits, tryWith } from './trial.ts';

export interface Laboratory {
  survey(scenario: Scenario, variant: string): Promise<Survey>;
  try(scenario: Scenario, known: Known, element: Pick<Element, 'edits'>): Promise<Trial>;
}

/** @param reason why to stop; null to go on */
export function laboratory(reason: () => string | null = () => null, limits: TrialLimits = TRIAL_LIMITS): Laboratory {
  const oneAtATime = pLimit(1);
  return {
    survey: (scenario, variant) => oneAtATime(() => survey(scenario, variant, limits, reason)),
    try: (scenario, known, { edits }) => oneAtATime(() => tryWith(scenario, known, edits, limits, reason)),
  };
}
