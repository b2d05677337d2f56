/** The one scenario that a schedule or a command names. */
import { resolve } from 'node:path';
import { ModelError } from '../model/errors.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { loadShipped } from './catalogue.ts';
import { loadFile, noScenario } from './load-file.ts';
import { unknownName } from './select.ts';

/**
 * @param file defines it; null if it comes with the package
 * @throws ModelError that says what is near
 */
export async function scenarioNamed(name: string, file: string | null): Promise<Scenario> {
  const { scenarios, where, next } = await candidates(file);
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const { message, next: near } = unknownName(
    'scenario',
    name,
    scenarios.map((scenario) => scenario.name),
  );
  throw new ModelError(`${message} ${where}`, file === null && near?.startsWith('did you mean') !== true ? next : near);
}

async function candidates(file: string | null): Promise<{ scenarios: readonly Scenario[]; where: string; next: string | null }> {
  if (file !== null) {
    const scenarios = await loadFile(resolve(file));
    if (scenarios.length === 0) throw noScenario(file);
    return { scenarios, where: `in ${file}`, next: null };
  }
  const { listed } = await loadShipped();
  return {
    scenarios: listed.map(({ scenario }) => scenario),
    where: 'among those that come with the package',
    next: 'if a file of yours defines it: --scenario FILE',
  };
}

/** @throws ModelError that says what is near */
export function variantNamed({ name, variants }: Scenario, wanted: string): Variant {
  const found = variants[wanted];
  if (found !== undefined) return found;
  const { message, next } = unknownName('variant', wanted, Object.keys(variants));
  throw new ModelError(`${message} of the scenario "${name}"`, next);
}
