/** The table of scenarios/README.md is what the scenarios say of themselves. */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import type { Scenario } from '../../src/index.ts';

const folder = new URL('../../scenarios/register-rfc/', import.meta.url);
const readme = fileURLToPath(new URL('../../../scenarios/README.md', import.meta.url));

const scenarios = await Promise.all(
  (await readdir(folder))
    .filter((file) => file.endsWith('.js'))
    .map(async (file) => ((await import(new URL(file, folder).href)) as { default: Scenario }).default),
);

test('each defect of the RFC has its scenario, and the table names it', async (t) => {
  const rows = [
    ...(await readFile(readme, 'utf8')).matchAll(/^\| (Y-\w+) +\| \[([\w-]+)\]\(register-rfc\/\2\.ts\) +\| (.+?) +\|$/gm),
  ];
  const said = scenarios.flatMap(({ covers, name, summary }) => covers.map((id) => `${id} ${name} ${summary}`));
  t.deepEqual(rows.map(([, id, name, summary]) => `${id} ${name} ${summary}`).toSorted(), said.toSorted());
  const numbers = Array.from({ length: 16 }, (_, i) => `Y-${i + 1}`);
  const letters = ['Y-a', 'Y-b', 'Y-c', 'Y-d', 'Y-e'];
  t.deepEqual(new Set(rows.map(([, id]) => id)), new Set([...numbers, ...letters]));
});

test('each scenario has a design in which it is clean, or says of each what comes of it', (t) => {
  for (const { name, variants } of scenarios)
    t.true(
      Object.values(variants).some(({ expect }) => expect.every(({ kind }) => kind === 'warn')),
      `${name} has no design that is clean but for a warning`,
    );
});
