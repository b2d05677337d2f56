/** The one scenario that a schedule or a command names. */
import { resolve } from 'node:path';
import { ModelError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import type { Scenario, Variant } from '../model/scenario.ts';
import { loadShipped } from './catalogue.ts';
import { loadFile, noScenario } from './load-file.ts';
import { notLoaded, unknownName } from './select.ts';

/**
 * @param file defines it; null if it comes with the package
 * @throws ModelError that says what is near
 */
export async function scenarioNamed(name: string, file: string | null): Promise<Scenario> {
  const { scenarios, where, next } = file === null ? await shipped() : await inFile(file);
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    scenarios.map((scenario) => scenario.name),
  );
  throw new ModelError(`There is no scenario "${name}" ${where}`, near === null ? next : `did you mean "${near}"?`);
}

interface Candidates {
  readonly scenarios: readonly Scenario[];
  readonly where: string;
  /** What to do if none is near. */
  readonly next: string;
}

async function shipped(): Promise<Candidates> {
  const { listed, faults } = await loadShipped();
  return {
    scenarios: listed.map(({ scenario }) => scenario),
    where: `among those that come with the package${notLoaded(faults)}`,
    next: 'if a file of yours defines it: --scenario FILE',
  };
}

const loaded = new Map<string, ReturnType<typeof loadFile>>();

async function inFile(file: string): Promise<Candidates> {
  const path = resolve(file);
  const loading = loaded.get(path) ?? loadFile(path);
  loaded.set(path, loading);
  const scenarios = await loading;
  if (scenarios.length === 0) throw noScenario(file);
  return { scenarios, where: `in ${file}`, next: `there are ${scenarios.map(({ name }) => name).join(', ')}` };
}

/** @throws ModelError that says what is near */
export function variantNamed({ name, variants }: Scenario, wanted: string): Variant {
  const found = variants[wanted];
  if (found !== undefined) return found;
  const { message, next } = unknownName('variant', wanted, Object.keys(variants));
  throw new ModelError(`${message} of the scenario "${name}"`, next);
}
