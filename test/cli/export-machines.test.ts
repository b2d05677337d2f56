import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { folderWith, interlock } from './command.ts';
import { toy } from './toys.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

test('one machine is drawn, of those that are shipped or of a file', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const shipped = await interlock(folder, ['export', '--format', 'mermaid', '--machine', 'mutex']);
  t.deepEqual([shipped.code, shipped.err], [0, '']);
  t.true(shipped.out.startsWith('stateDiagram-v2\n'));
  t.true(shipped.out.includes('  unlocked --> locked : mutex_lock\n'));
  const own = await interlock(folder, ['export', 'toy.ts', '--format', 'mermaid', '-o', 'toy.md']);
  t.is(own.code, 0);
  t.true(readFileSync(join(folder, 'toy.md'), 'utf8').includes('```mermaid\nstateDiagram-v2\n'));
});

test('what goes with one format is refused with the other', async (t) => {
  const folder = folderWith(t, {});
  const tried = [['--format', 'mermaid', '--variant', 'rfc'], ['--machine', 'mutex'], []].map(
    async (words) => (await interlock(folder, ['export', ...words])).err,
  );
  const [variant, machine, nothing] = await Promise.all(tried);
  t.true(variant?.startsWith('interlock: A machine is that of all variants\nNext: '));
  t.true(machine?.startsWith('interlock: One machine is no model for Spin\nNext: draw it: --format mermaid --machine NAME'));
  t.true(nothing?.startsWith('interlock: A model is written of one scenario\nNext: '));
});

const page = readFileSync(join(root, 'docs', 'objects.md'), 'utf8');

test('docs/objects.md is what the command makes', async (t) => {
  const { code, out } = await interlock(root, ['export', '--format', 'mermaid']);
  t.is(code, 0);
  t.is(`${out.trimEnd()}\n`, page, 'make it anew: npx interlock export --format mermaid -o docs/objects.md');
});

test('it shows each machine that there is, under a name of its own', (t) => {
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, name = '']) => name.replaceAll('\\', ''));
  t.deepEqual(headings, [...new Set(headings)]);
  const sources = readdirSync(join(root, 'machines'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const ids = sources.flatMap((file) =>
    [...readFileSync(join(root, 'machines', file), 'utf8').matchAll(/^ +id: '(.+)',$|chart(?:<[^(]*>)?\(\s*'([^']+)'/gm)].flatMap(
      ([, id, chart]) => id ?? chart ?? [],
    ),
  );
  t.true(ids.length > 20);
  t.deepEqual(
    ids.filter((id) => !headings.includes(id)),
    [],
  );
});
