/** The scenarios that come with the package, and those of a user's files. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import pLimit from 'p-limit';
import { ModelError, messageOf } from '../model/errors.ts';
import { isScenario, type Scenario } from '../model/scenario.ts';
import { loadFile } from './load-file.ts';
import { builtScenarios, packageRoot } from './package.ts';
import { isSource, walk } from './walk.ts';

export interface Listed {
  readonly scenario: Scenario;
  /** The source file that defines it. */
  readonly file: string;
  /** It comes with the package, and is found by its name. */
  readonly shipped: boolean;
}

export interface Loaded {
  readonly listed: readonly Listed[];
  /** What could not be loaded, and why. */
  readonly faults: readonly ModelError[];
}

const AT_ONCE = 8;

/** Loads what there is; what is faulty does not hide the rest. */
async function loadAll(files: readonly string[], load: (file: string) => Promise<readonly Listed[]>): Promise<Loaded> {
  const limit = pLimit(AT_ONCE);
  const faults: ModelError[] = [];
  const loaded = await Promise.all(
    files.map((file) =>
      limit(async () => {
        try {
          return await load(file);
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
          faults.push(error);
          return [];
        }
      }),
    ),
  );
  return { listed: loaded.flat(), faults };
}

export const loadFiles = (files: readonly string[]): Promise<Loaded> =>
  loadAll(files, async (file) => (await loadFile(file)).map((scenario) => ({ scenario, file, shipped: false })));

let shipped: Promise<Loaded> | null = null;

/** All scenarios of the package. Loaded once. */
export const loadShipped = (): Promise<Loaded> => (shipped ??= loadBuilt());

async function loadBuilt(): Promise<Loaded> {
  if (!existsSync(builtScenarios)) return { listed: [], faults: [] };
  const files = (await walk(builtScenarios)).filter(isSource);
  return loadAll(files, async (file) => {
    const source = join(packageRoot, 'scenarios', relative(builtScenarios, file).replace(/\.js$/, '.ts'));
    try {
      const { default: exported } = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
      return isScenario(exported) ? [{ scenario: exported, file: source, shipped: true }] : [];
    } catch (error) {
      const next = error instanceof ModelError ? error.next : null;
      throw new ModelError(`${relative(process.cwd(), source)}: loading it fails: ${messageOf(error)}`, next);
    }
  });
}
