/** Every state that schedules with few preemptions reach: most races need no more than one or two. */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import type { Search } from './found.ts';
import { type InRounds, type PreemptionBound, Rounds } from './rounds.ts';

/**
 * `cut` is the bound, or null where the search met every state that there is: then it is as exhaustive as one without
 * a bound. Of each fault the sighting has the fewest preemptions of all, if nothing came before it.
 */
export function boundedSearch(program: Program, variant: Variant, bound: PreemptionBound): Search<InRounds> {
  const stateAlone = { width: program.width, begin: () => {}, step: () => {} };
  return new Rounds(program, variant, bound, stateAlone).search();
}
