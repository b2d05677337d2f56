/** Which scenarios, and which of their variants, a command line means. */
import { statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { ModelError } from '../model/errors.ts';
import { nearest } from '../model/nearest.ts';
import { type Listed, type Loaded, loadFiles, loadShipped } from './catalogue.ts';
import { fixedPart, globToRegExp, isGlob } from './glob.ts';
import { noScenario } from './load-file.ts';
import { packageRoot } from './package.ts';
import { isSource, walk } from './walk.ts';

export interface Wanted {
  /** Names, paths and patterns of either; none means all that is shipped. */
  readonly scenarios: readonly string[];
  /** Any of them. */
  readonly tags: readonly string[];
  readonly variants: readonly string[];
}

export interface Selected {
  readonly listed: readonly (Listed & { readonly variants: readonly string[] })[];
  readonly faults: readonly ModelError[];
}

/** @throws ModelError if a name, tag or variant is unknown, or two scenarios have one name */
export async function select({ scenarios, tags, variants }: Wanted): Promise<Selected> {
  const { listed, faults } = scenarios.length === 0 ? await loadShipped() : await resolveAll(scenarios);
  refuseTwins(listed);
  const tagged = withTags(listed, tags);
  return { listed: withVariants(tagged, variants), faults };
}

async function resolveAll(words: readonly string[]): Promise<Loaded> {
  const parts: Loaded[] = [];
  for (const word of words) parts.push(await resolveOne(word));
  const byFile = new Map(parts.flatMap(({ listed }) => listed).map((each) => [`${each.file} ${each.scenario.name}`, each]));
  return { listed: [...byFile.values()], faults: parts.flatMap(({ faults }) => faults) };
}

async function resolveOne(word: string): Promise<Loaded> {
  if (isGlob(word)) return byGlob(word);
  const isPath = /[/\\]|\.[mc]?[jt]s$/.test(word);
  if (!isPath) {
    const named = (await loadShipped()).listed.filter(({ scenario }) => scenario.name === word);
    if (named.length > 0) return { listed: named, faults: [] };
  }
  return (await byPath(word)) ?? (await byShippedPath(word)) ?? unknown(word, isPath);
}

async function byPath(word: string): Promise<Loaded | null> {
  const path = resolve(word);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return someOf(await loadFiles((await walk(path)).filter(isSource)), word);
  if (!stat?.isFile()) return null;
  return someOf(await loadFiles([path]), word);
}

/** As the sources lie in the repository, for who has only the package. */
async function byShippedPath(word: string): Promise<Loaded | null> {
  const wanted = word.replace(/^\.\//, '').replace(/\/$/, '');
  const { listed } = await loadShipped();
  const found = listed.filter(({ file }) => {
    const path = relative(packageRoot, file);
    return path === wanted || path.startsWith(`${wanted}/`);
  });
  return found.length === 0 ? null : { listed: found, faults: [] };
}

async function byGlob(glob: string): Promise<Loaded> {
  const pattern = globToRegExp(glob.replace(/^\.\//, ''));
  const shipped = (await loadShipped()).listed;
  const named = shipped.filter(({ scenario }) => pattern.test(scenario.name));
  if (named.length > 0) return { listed: named, faults: [] };
  const onDisk = await filesMatching(glob, pattern);
  if (onDisk.length > 0) return someOf(await loadFiles(onDisk), glob);
  const listed = shipped.filter(({ file }) => pattern.test(relative(packageRoot, file)));
  if (listed.length > 0) return { listed, faults: [] };
  throw new ModelError(`No name and no path of a scenario matches "${glob}"`, LIST);
}

async function filesMatching(glob: string, pattern: RegExp): Promise<readonly string[]> {
  const folder = resolve(fixedPart(glob) || '.');
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return [];
  const asGiven = (file: string) => (glob.startsWith('/') ? file : relative(process.cwd(), file));
  // A pattern without a folder in it is for names first: it does not search a whole tree.
  const files = glob.includes('/')
    ? await walk(folder)
    : (await walk(folder)).filter((file) => !relative(folder, file).includes('/'));
  return files.filter((file) => isSource(file) && pattern.test(asGiven(file)));
}

function someOf(loaded: Loaded, word: string): Loaded {
  if (loaded.listed.length === 0 && loaded.faults.length === 0) throw noScenario(word);
  return loaded;
}

const LIST = 'interlock list';

async function unknown(word: string, isPath: boolean): Promise<never> {
  const { listed, faults } = await loadShipped();
  const [, name, variant] = /^([^/]+)\/([^/]+)$/.exec(word) ?? [];
  // As reports are headed.
  if (variant !== undefined && listed.some(({ scenario }) => scenario.name === name && variant in scenario.variants))
    throw new ModelError(`There is no scenario "${word}"`, `a variant is chosen with an option: ${name} --variant ${variant}`);
  if (isPath) throw new ModelError(`There is no file "${word}"`, `scenarios that come with the package go by name: ${LIST}`);
  if (tagsOf(listed).includes(word)) throw new ModelError(`There is no scenario "${word}", but it is a tag`, `--tag ${word}`);
  const folder = listed.map(({ file }) => dirname(relative(packageRoot, file))).find((path) => path.split('/').at(-1) === word);
  if (folder !== undefined)
    throw new ModelError(`There is no scenario "${word}", but a folder`, `name it by its path: ${folder}`);
  const near = nearest(
    word,
    listed.map(({ scenario }) => scenario.name),
  );
  const broken = faults.map(({ message }) => `\n  (not loaded: ${message})`).join('');
  throw new ModelError(
    `There is no scenario "${word}"${broken}`,
    near === null ? LIST : `did you mean "${near}"? All names: ${LIST}`,
  );
}

/** What is asked for may be in a file that is faulty. */
export const notLoaded = (faults: readonly ModelError[]): string =>
  faults.map(({ message }) => `\n  (not loaded: ${message})`).join('');

function refuseTwins(listed: readonly Listed[]): void {
  for (const [i, { scenario, file }] of listed.entries()) {
    const twin = listed.slice(0, i).find((other) => other.scenario.name === scenario.name);
    if (twin === undefined) continue;
    const [first, second] = [twin.file, file].map((path) => relative(process.cwd(), path));
    const where = first === second ? `both in ${first}` : `in ${first} and in ${second}`;
    throw new ModelError(
      `Two scenarios have the name "${scenario.name}", ${where}`,
      'rename one: schedules find a scenario by its name',
    );
  }
}

const tagsOf = (listed: readonly Listed[]): readonly string[] =>
  [...new Set(listed.flatMap(({ scenario }) => [...scenario.tags, ...scenario.covers]))].toSorted();

function withTags(listed: readonly Listed[], tags: readonly string[]): readonly Listed[] {
  const known = tagsOf(listed);
  for (const tag of tags) if (!known.includes(tag)) throw unknownName('tag', tag, known);
  return tags.length === 0
    ? listed
    : listed.filter(({ scenario }) => tags.some((tag) => scenario.tags.includes(tag) || scenario.covers.includes(tag)));
}

function withVariants(listed: readonly Listed[], wanted: readonly string[]): Selected['listed'] {
  const known = [...new Set(listed.flatMap(({ scenario }) => Object.keys(scenario.variants)))].toSorted();
  for (const variant of wanted) if (!known.includes(variant)) throw unknownName('variant', variant, known);
  return listed
    .map((each) => ({
      ...each,
      variants: Object.keys(each.scenario.variants).filter((variant) => wanted.length === 0 || wanted.includes(variant)),
    }))
    .filter(({ variants }) => variants.length > 0);
}

export function unknownName(what: string, name: string, known: readonly string[]): ModelError {
  const near = known.find((other) => other.toLowerCase() === name.toLowerCase()) ?? nearest(name, known);
  const all = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`;
  return new ModelError(`There is no ${what} "${name}"`, near === null ? all : `did you mean "${near}"?`);
}
