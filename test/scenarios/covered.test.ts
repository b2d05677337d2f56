/** What scenarios/README.md says is covered is what the scenarios say of themselves, and nothing is missing. */
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { isScenario, type Scenario } from '../../src/index.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const readme = fileURLToPath(new URL('../../../scenarios/README.md', import.meta.url));

interface Filed {
  readonly file: string;
  readonly scenario: Scenario;
}
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
const all = await Promise.all(
  files.map(async (file) => {
    const { default: scenario } = (await import(new URL(file, folder).href)) as { default?: unknown };
    return isScenario(scenario) ? [{ file: file.replace(/\.js$/, '.ts'), scenario }] : [];
  }),
);
const filed: readonly Filed[] = all.flat();

const collator = new Intl.Collator('en', { numeric: true });
const rows = filed
  .flatMap(({ file, scenario }) => scenario.covers.map((id) => ({ id, file, scenario })))
  .toSorted((a, b) => collator.compare(a.id, b.id) || collator.compare(a.scenario.name, b.scenario.name))
  .map(({ id, file, scenario: { name, summary } }) => `| ${id} | [${name}](${file}) | ${summary} |`);

const BEGIN = '<!-- Made from the scenarios: UPDATE_GOLDEN=1 npx ava dist/test/scenarios/covered.test.js -->';
const table = [BEGIN, '', '| id | scenario | what it shows |', '| --- | --- | --- |', ...rows, ''].join('\n');
const withoutPadding = (text: string): string => text.replace(/ +\|/g, ' |').replace(/-{2,}/g, '---');

test('the table names each scenario that covers an id', async (t) => {
  const text = await readFile(readme, 'utf8');
  const [before = ''] = text.split(BEGIN);
  if (process.env['UPDATE_GOLDEN'] !== undefined) await writeFile(readme, before + table);
  else t.is(withoutPadding(text), withoutPadding(before + table));
  t.pass();
});

const numbered = (letter: string, ...numbers: readonly (number | string)[]) => numbers.map((n) => `${letter}-${n}`);
const wanted = [
  ...numbered('D', 1, 2, 3, 6, 7, 8, 12, 13, 16, 17, 23, 25, 26, 37, 42),
  ...numbered('E', 1, 2, 3, 4, 5, 7, 11, 13),
  ...numbered('F', 1, 4, 6, 7, 8, 11, 12),
  ...numbered('G', 1, 2, 3, 5, 6, 7, 8, 9),
  ...numbered('X', 1, 2, 3, 5, 6, 7, 8, 10, 13, 14, 15, 18, 20),
  ...numbered('Y', ...Array.from({ length: 16 }, (_, i) => i + 1), 'a', 'b', 'c', 'd', 'e'),
  ...numbered('Z', 1, 2, 3, 4, 5, 6, 7, 11, 12, 13),
];

test('each defect of the seeds has its scenario', (t) => {
  const covered = new Set(filed.flatMap(({ scenario }) => scenario.covers));
  t.deepEqual(
    wanted.filter((id) => !covered.has(id)),
    [],
  );
});

test('a scenario has the name of its file, and says of which seed it is, or that it is of none', (t) => {
  for (const { file, scenario } of filed) {
    t.is(scenario.name, basename(file, '.ts'));
    const seeds = scenario.tags.filter((tag) => /^seed-00[0-4]$/.test(tag));
    t.is(
      seeds.length > 0,
      !['locking', 'races', 'references'].includes(dirname(file)),
      `${file} has the tags ${scenario.tags.join()}`,
    );
  }
});

/** An unregistration waits for its own user in every kernel; it is the others who are not to wait. */
const waitsAsMeant = ['unregister-holds-up-others'];

test('each scenario that covers a defect has a design in which it is clean but for a warning', (t) => {
  const without = filed.filter(
    ({ scenario: { variants, covers } }) =>
      covers.length > 0 && !Object.values(variants).some(({ expect }) => expect.every(({ kind }) => kind === 'warn')),
  );
  t.deepEqual(
    without.map(({ scenario }) => scenario.name),
    waitsAsMeant,
  );
});
