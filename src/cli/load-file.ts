/** The scenarios of a user's file, in TypeScript or JavaScript, from anywhere on disk. */
import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { SourceMapPayload } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ModelError, messageOf } from '../model/errors.ts';
import { isScenario, type Scenario } from '../model/scenario.ts';
import { placesFrom } from '../reporters/places.ts';
import { bundleOf } from './bundle.ts';

/** The maps of the bundles that were loaded: the bundles themselves are gone as soon as they run. */
export const bundleMaps = new Map<string, SourceMapPayload>();

/**
 * @returns what it exports, by default or by name; empty where that is no scenario
 * @throws ModelError that names the file and what is wrong with it
 */
export async function loadFile(file: string): Promise<readonly Scenario[]> {
  const name = relative(process.cwd(), file);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new ModelError(`There is no file "${name}"`);
  const folder = makeFolder();
  const path = join(folder, `${basename(file).replace(/\.[^.]+$/, '')}.mjs`);
  try {
    const { code, map } = await bundleOf(file, path, name);
    writeFileSync(path, code);
    bundleMaps.set(path, JSON.parse(map) as SourceMapPayload);
    const exported = await importFrom(path, name);
    return [...new Set(Object.values(exported).filter(isScenario))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const noScenario = (name: string): ModelError =>
  new ModelError(`${name} exports no scenario`, "end it with `export default defineScenario({ ... })`, from 'interlock'");

function makeFolder(): string {
  try {
    return mkdtempSync(join(realpathSync(tmpdir()), 'interlock-'));
  } catch (error) {
    throw new ModelError(
      `No file can be written to ${tmpdir()}: ${messageOf(error)}`,
      'set TMPDIR to a folder that can be written to',
    );
  }
}

const DOORS = "scenarios come from 'interlock', primitives from 'interlock/primitives', VFIO from 'interlock/vfio'";

async function importFrom(path: string, name: string): Promise<object> {
  try {
    return (await import(pathToFileURL(path).href)) as object;
  } catch (error) {
    const [, missing] = /does not provide an export named '(\w+)'/.exec(messageOf(error)) ?? [];
    if (missing !== undefined) throw new ModelError(`${name}: "${missing}" is not exported where it is imported from`, DOORS);
    const next = error instanceof ModelError ? error.next : 'a scenario file defines, and does nothing else';
    throw new ModelError(`${placeIn(path, error) ?? name}: loading it fails: ${messageOf(error)}`, next);
  }
}

/** Where in the source the bundle threw. */
function placeIn(path: string, error: unknown): string | null {
  const [, after = ''] = (error instanceof Error ? (error.stack ?? '') : '').split(path);
  const [, line, column] = /^:(\d+):(\d+)/.exec(after) ?? [];
  if (line === undefined) return null;
  return placesFrom(process.cwd(), bundleMaps)({ file: path, line: Number(line), column: Number(column) });
}
