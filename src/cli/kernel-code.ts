/** Scripts of kernel code with what was run of them, in the lines of their sources. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Code, codeIn, type Counted, placeAt } from '../coverage/code.ts';
import type { CodeFile } from '../coverage/merge.ts';
import type { Script } from '../coverage/recorder.ts';
import { placesFrom } from '../reporters/places.ts';
import { bundleMaps } from './load-file.ts';
import { builtActors, packageRoot } from './package.ts';
import { isSource, walk } from './walk.ts';

const contract = join(builtActors, 'step.js');

/** What is modelled, shipped or a user's own; not the contract, which every step goes through. */
export const isKernelCode = (url: string): boolean => {
  if (!url.startsWith('file:')) return false;
  const path = fileURLToPath(url);
  return (path.startsWith(builtActors) && path !== contract) || bundleMaps.has(path);
};

/** Those of which something was run. */
export const codeFilesOf = (scripts: readonly Script[]): readonly CodeFile[] =>
  scripts
    .flatMap(({ url, text, counted }) => codeFilesIn(fileURLToPath(url), text, counted))
    .filter(({ functions, errnos }) => [...functions, ...errnos].some(({ run }) => run));

/** All that is shipped, as if nothing of it had been run. */
export async function shippedCode(): Promise<readonly CodeFile[]> {
  const paths = (await walk(builtActors)).filter((path) => isSource(path) && path !== contract);
  return paths.flatMap((path) => codeFilesIn(path, readFileSync(path, 'utf8'), []));
}

/** A bundle was put together of several sources. */
function codeFilesIn(path: string, text: string, counted: readonly Counted[]): readonly CodeFile[] {
  const placeOf = placesFrom(bundleMaps.has(path) ? process.cwd() : packageRoot, bundleMaps);
  const sourceOf = (offset: number) => {
    const [, file = '', line = '0'] = /^(.*):(\d+)$/.exec(placeOf({ file: path, ...placeAt(text, offset) }) ?? '') ?? [];
    return { file, line: Number(line) };
  };
  const { functions, errnos }: Code = codeIn(text, counted);
  const placed = {
    functions: functions.map(({ name, run, offset }) => ({ ...sourceOf(offset), said: { name, run } })),
    errnos: errnos.map(({ errno, function: name, run, offset }) => ({
      ...sourceOf(offset),
      said: { errno, function: name, run },
    })),
  };
  const files = [...new Set([...placed.functions, ...placed.errnos].map(({ file }) => file))].toSorted();
  return files.map((file) => ({
    file,
    functions: placed.functions.filter((one) => one.file === file).map(({ said, line }) => ({ ...said, line })),
    errnos: placed.errnos.filter((one) => one.file === file).map(({ said, line }) => ({ ...said, line })),
  }));
}
