/** The one variant that a command needs, where a word and an option may mean several or none. */
import { ModelError } from '../model/errors.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { count } from '../reporters/layout.ts';
import { variantNamed } from './find.ts';
import { select } from './select.ts';

export interface OneVariant {
  readonly scenario: Scenario;
  readonly name: string;
  readonly variant: Variant;
}

/** @throws ModelError if it is not clear which is meant, or if its file is faulty */
export async function oneVariant(word: string, wanted: string | null): Promise<OneVariant> {
  const { listed, faults } = await select({ scenarios: [word], tags: [], variants: wanted === null ? [] : [wanted] });
  const [fault] = faults;
  if (fault !== undefined) throw fault;
  const all = listed.flatMap(({ scenario, variants }) => variants.map((name) => ({ scenario, name })));
  const [only] = all;
  if (only !== undefined && all.length === 1) return { ...only, variant: variantNamed(only.scenario, only.name) };
  if (listed.length > 1) throw new ModelError(`"${word}" means ${count(listed.length, 'scenario')}`, 'name one of them');
  const names = all.map(({ name }) => name);
  throw new ModelError(
    `The scenario has ${count(names.length, 'variant')}, and one is wanted`,
    `--variant ${names.join(', --variant ')}`,
  );
}
