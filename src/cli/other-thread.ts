/** What is said between the main thread and those that work for it: which variant, and what went wrong with it. */
import { InternalError, ModelError, messageOf } from '../model/errors.ts';
import type { Scenario } from '../model/scenario.ts';
import { loadShipped } from './catalogue.ts';
import { loadFile } from './load-file.ts';

/** A scenario goes by its name, for its functions cannot be sent. */
export interface VariantOrder {
  /** Absolute. */
  readonly file: string;
  /** It is found by its name; else by its file. */
  readonly shipped: boolean;
  readonly scenario: string;
  readonly variant: string;
}

export interface Failure {
  readonly isTheirs: boolean;
  readonly message: string;
  readonly next: string | null;
  readonly stack: string;
}

const loaded = new Map<string, Promise<readonly Scenario[]>>();

/** @throws ModelError if the file no longer defines it */
export async function scenarioOf({ file, shipped, scenario: name }: VariantOrder): Promise<Scenario> {
  const all = shipped ? (await loadShipped()).listed.map(({ scenario }) => scenario) : await scenariosIn(file);
  const found = all.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new ModelError(`${file} no longer defines "${name}"`, 'it was changed meanwhile: check it again');
}

function scenariosIn(file: string): Promise<readonly Scenario[]> {
  let scenarios = loaded.get(file);
  if (scenarios === undefined) loaded.set(file, (scenarios = loadFile(file)));
  return scenarios;
}

export function failureOf(error: unknown): Failure {
  const isTheirs = error instanceof ModelError;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { isTheirs, message: messageOf(error), next: isTheirs ? error.next : null, stack };
}

export const errorOf = ({ isTheirs, message, next, stack }: Failure): Error =>
  Object.assign(isTheirs ? new ModelError(message, next) : new InternalError(message), { stack });
