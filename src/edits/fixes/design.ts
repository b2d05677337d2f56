/** A design as it stands, or as it is edited, in all by which the two are compared. */
import { decode } from '../../../actors/step.ts';
import { type CheckResult, checkVariant } from '../../check/check.ts';
import type { Finding } from '../../check/finding.ts';
import { type Searched, searchBy, USUALLY } from '../../check/strategy.ts';
import type { Edit } from '../../model/edit.ts';
import { editVariant } from '../../model/edit-variant.ts';
import { isOk, type Scenario, type Variant } from '../../model/scenario.ts';
import { Program } from '../../tables/program.ts';

export interface Effort {
  readonly maxStates: number;
  /** Why to stop; null to go on. */
  readonly reason: () => string | null;
}

/** Told apart by where it comes up, not by the schedule: the same before and after an edit. */
export const nameOf = ({ kind, object, fault }: Finding): string =>
  [kind, object, ...fault.sites.map((site) => `${site.function}:${site.event}`).toSorted(), ...(fault.sites.length === 0 ? [fault.text] : [])].join(' ');

export const isNoClaim = ({ kind }: Pick<Finding, 'kind'>): boolean => kind === 'never-reached';

export const edited = (scenario: Scenario, name: string, edits: readonly Edit[]): Scenario => ({
  ...scenario,
  variants: { ...scenario.variants, [name]: editVariant(scenario.variants[name] as Variant, edits) },
});

/** With all that a check looks for, but counterexamples that could be shorter. */
export const checkDesign = (scenario: Scenario, name: string, { maxStates, reason }: Effort): Promise<CheckResult> =>
  checkVariant(scenario, name, { maxStates, shrink: false, onProgress: reason });

export interface Explored {
  readonly program: Program;
  readonly searched: Searched;
  /** The keys of what is found first on some run. */
  readonly faults: ReadonlySet<string>;
}

/** Only the states, and what is wrong with them: enough to see that a change is none for the better. */
export async function exploreDesign(variant: Variant, { maxStates, reason }: Effort): Promise<Explored> {
  const program = new Program(variant);
  const search = searchBy(USUALLY, program, variant, { maxStates });
  let turn = await search.next(null);
  while (!turn.done) turn = await search.next(reason());
  const { found } = turn.value;
  const first = found.sightings.filter(({ primary }) => primary).map(({ fault }) => found.judge.keyOf(fault));
  return { program, searched: turn.value, faults: new Set(first) };
}

/**
 * What callers get: that a call returns, and that its result is a success. A change that takes one of these away mends
 * nothing: it only keeps the code from running.
 */
export function whatCallersGet({ positions, world }: Program): ReadonlySet<string> {
  const got = new Set<string>();
  for (const { thread, root } of positions) {
    const name = world.threads[thread]?.name ?? '';
    for (let call = 0; call < root.call; call++) got.add(`${name} returns from its call ${call + 1}`);
    for (const [local, value] of Object.entries(root.locals)) if (isOk(decode(value))) got.add(`${name} has ${local}`);
  }
  return got;
}
