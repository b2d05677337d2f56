/** One of two designs, searched: its verdict as `interlock check` has it, and all that its runs may come out with. */
import { type CheckOptions, type CheckResult, checkVariant, drive, reasonToStop, variantOf } from '../check/check.ts';
import { searchBy, USUALLY } from '../check/strategy.ts';
import { ModelError } from '../model/errors.ts';
import type { Explored } from '../explore/plain-search.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';

export interface Side {
  readonly scenario: Scenario;
  readonly name: string;
  readonly check: CheckResult;
  /** As the scenario has it, but that what each call returned is kept to the end, if there is one. */
  readonly variant: Variant;
  /** A task that never ends: then no run is ever over. */
  readonly endless: string | null;
  readonly program: Program;
  readonly searched: Explored;
}

/**
 * Twice, for to keep all results makes more states of one, and the verdict is to be that of `check` to the last number.
 * @throws ModelError if the search stores no states in which the runs end
 */
export async function searchSide(scenario: Scenario, name: string, options: CheckOptions): Promise<Side> {
  const given = variantOf(scenario, name);
  const check = await checkVariant(scenario, name, options);
  const [endless = null] = Object.keys(given.threads).filter((thread) => isEndless(given, thread));
  const variant = endless === null ? { ...given, serialisable: given.serialisable ?? Object.keys(given.objects) } : given;
  const program = new Program(variant);
  const reason = reasonToStop(options, performance.now());
  const { ends } = await drive(searchBy({ ...USUALLY, ...options.how }, program, variant, options), reason);
  if (ends === null)
    throw new ModelError(
      'Designs are compared by a search that stores states',
      'leave the strategy out, or take plain or reduced',
    );
  return { scenario, name, check, variant, endless, program, searched: ends };
}

const isEndless = ({ threads }: Variant, name: string): boolean => threads[name]?.kind === 'task' && threads[name].forever;
