/** In a thread of its own a scenario is loaded anew, for its functions cannot be sent. */
import { ModelError } from '../model/errors.ts';
import type { Scenario } from '../model/scenario.ts';
import { loadShipped } from './catalogue.ts';
import { loadFile } from './load-file.ts';

export interface WhichScenario {
  readonly file: string;
  readonly shipped: boolean;
  readonly scenario: string;
}

const loaded = new Map<string, Promise<readonly Scenario[]>>();

export async function scenarioOf({ file, shipped, scenario: name }: WhichScenario): Promise<Scenario> {
  const found = (await neighboursOf({ file, shipped })).find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new ModelError(`${file} no longer defines "${name}"`, 'it was changed meanwhile: check it again');
}

function scenariosIn(file: string): Promise<readonly Scenario[]> {
  let scenarios = loaded.get(file);
  if (scenarios === undefined) loaded.set(file, (scenarios = loadFile(file)));
  return scenarios;
}

/** All that are shipped, or all of the same file. */
export const neighboursOf = async ({ file, shipped }: Pick<WhichScenario, 'file' | 'shipped'>): Promise<readonly Scenario[]> =>
  shipped ? (await loadShipped()).listed.map(({ scenario }) => scenario) : scenariosIn(file);
