import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { sarifSchema } from '../../src/reporters/sarif-schema.ts';
import { checkSchema } from '../../src/reporters/schemas.ts';
import { folderWith, interlock } from './command.ts';
import { toy } from './toys.ts';

test('a check is written as Markdown or ReST, whole and alone, with the replay command of each finding', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  for (const [format, begins] of [
    ['markdown', '# toy/bare: as expected\n'],
    ['rst', '=====================\ntoy/bare: as expected\n=====================\n'],
  ] as const) {
    const { code, out, err } = await interlock(folder, ['check', 'toy.ts', '--format', format]);
    t.is(code, 0);
    t.is(err, '');
    t.true(out.startsWith(begins), out);
    const [, file = ''] = /interlock replay (\S+)/.exec(out) ?? [];
    t.true(existsSync(join(folder, file)), file);
    const again = await interlock(folder, ['replay', file, '--scenario', 'toy.ts', '--format', format]);
    t.is(again.code, 0);
    t.true(again.out.includes('BUG: KASAN: slab-use-after-free in toy_open (modelled)'));
  }
});

test('--json is --format json', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  for (const words of [['--json'], ['--format', 'json']]) {
    const { code, out } = await interlock(folder, ['check', 'toy.ts', ...words]);
    t.is(code, 0);
    t.is(checkSchema.parse(JSON.parse(out)).results[0]?.scenario, 'toy');
  }
  t.false(readdirSync(folder).includes('schedules'));
  t.is((await interlock(folder, ['check', 'toy.ts', '--json', '--format', 'rst'])).code, 2);
});

test('a check as SARIF names the files of the user, and ends with the code of any other check', async (t) => {
  const folder = folderWith(t, { 'my toys/toy.ts': toy('') });
  const { code, out } = await interlock(folder, ['check', 'my toys/toy.ts', '--format', 'sarif']);
  t.is(code, 1);
  const [result] = sarifSchema.parse(JSON.parse(out)).runs[0]?.results ?? [];
  t.is(result?.level, 'error');
  t.is(result?.locations[0]?.physicalLocation?.artifactLocation.uri, 'my%20toys/toy.ts');
});

test('a format that does not exist is refused with those that do', async (t) => {
  const { code, err } = await interlock(folderWith(t), ['check', '--format', 'pdf']);
  t.is(code, 2);
  t.true(err.includes('text, markdown, rst, json, sarif'));
});
