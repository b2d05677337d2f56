import { join, relative } from 'node:path';
import test from 'ava';
import { checkSchema, listSchema } from '../../src/reporters/schemas.ts';
import { folderWith, interlock, root } from './command.ts';
import { oneCall, toy } from './toys.ts';

const named = (name: string) => toy(undefined, name);

test('a file may export several scenarios by name', async (t) => {
  const two = named('one').replace('export default', 'export const first =');
  const folder = folderWith(t, { 'two.ts': `${two}\nexport const second = { ...first, name: 'two' };` });
  const { out } = await interlock(folder, ['check', 'two.ts', '--json']);
  t.deepEqual(
    checkSchema.parse(JSON.parse(out)).results.map(({ scenario }) => scenario),
    ['one', 'two'],
  );
});

test('a folder and a pattern of paths mean all scenarios in them, and pass over what is none', async (t) => {
  const files = {
    'races/a.ts': named('a'),
    'races/deep/b.ts': named('b'),
    'races/helper.ts': 'export const n = 1;',
    'c.ts': named('c'),
  };
  const folder = folderWith(t, files);
  const namesIn = async (...words: string[]) =>
    listSchema.parse(JSON.parse((await interlock(folder, ['list', '--json', ...words])).out)).scenarios.map(({ name }) => name);
  t.deepEqual(await namesIn('races'), ['a', 'b']);
  t.deepEqual(await namesIn('races/*.ts'), ['a']);
  t.deepEqual(await namesIn('**/*.ts'), ['c', 'a', 'b']);
  t.deepEqual(await namesIn('races/{a,deep/b}.ts', './races/a.ts'), ['a', 'b']);
  t.deepEqual(await namesIn(join(folder, 'races/deep/b.ts')), ['b']);
});

test('a tag and a variant select, and an unknown one is answered with what is near', async (t) => {
  const folder = folderWith(t, { 'a.ts': named('a'), 'b.ts': named('b').replace("['toys']", "['other']") });
  const selected = await interlock(folder, ['list', 'a.ts', 'b.ts', '--tag', 'toys', '--variant', 'bare', '--json']);
  t.deepEqual(
    listSchema.parse(JSON.parse(selected.out)).scenarios.map(({ name }) => name),
    ['a'],
  );
  const tag = await interlock(folder, ['check', 'a.ts', '--tag', 'toyz']);
  t.deepEqual([tag.code, tag.err], [2, 'interlock: There is no tag "toyz"\nNext: did you mean "toys"?\n']);
  const variant = await interlock(folder, ['check', 'a.ts', '--variant', 'bear']);
  t.deepEqual([variant.code, variant.err], [2, 'interlock: There is no variant "bear"\nNext: did you mean "bare"?\n']);
});

test('a file is refused with its name: missing, unreadable, throwing, or without a scenario', async (t) => {
  const folder = folderWith(t, {
    'syntax.ts': 'const a = 1;\nlet 3 = 4;\n',
    'throws.ts': "\nfunction boom(): never { throw new Error('no luck'); }\nboom();",
    'none.ts': 'export const x = 1;',
  });
  const refusal = async (file: string) => {
    const { code, err, out } = await interlock(folder, ['check', file]);
    t.is(code, 2, file);
    t.is(out, '', file);
    t.true(err.includes('\nNext: '), file);
    t.notRegex(err, /^ {4}at /m, file);
    return err;
  };
  t.true((await refusal('missing.ts')).startsWith('interlock: There is no file "missing.ts"\n'));
  t.true((await refusal('syntax.ts')).includes('syntax.ts:2:5: Expected ";" but found "3"\n  let 3 = 4;\n      ^\n'));
  t.true((await refusal('throws.ts')).startsWith('interlock: throws.ts:2: loading it fails: no luck\n'));
  t.true((await refusal('none.ts')).startsWith('interlock: none.ts exports no scenario\n'));
});

test('a door that the package does not have is answered with the one that is near', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy().replace('interlock/primitives', 'interlock/primitive') });
  const { code, err } = await interlock(folder, ['check', 'toy.ts']);
  t.is(code, 2);
  t.true(err.includes('There is no "interlock/primitive": did you mean "interlock/primitives"?'));
});

test('a file may import others of its own, and this package by its sources: all share one instance of it', async (t) => {
  const folder = folderWith(t, { 'race.ts': '' });
  const sources = relative(folder, root);
  const byPath = toy()
    .replace("'interlock'", `'${sources}/src/index.ts'`)
    .replace('import { type HandleTo', "import { enodev } from './lib/errors.ts';\nimport { type HandleTo")
    .replace('-19', 'enodev');
  const files = folderWith(t, { 'race.ts': byPath, 'lib/errors.ts': 'export const enodev = -19;' });
  const { code, out, err } = await interlock(files, ['check', 'race.ts']);
  t.is(code, 0, err);
  t.true(out.includes('as expected'));
});

test('two functions of one name in two files keep their names in reports', async (t) => {
  const folder = folderWith(t, {
    'toy.ts': toy().replace('const opened', "import { other } from './other.ts';\nexport const keep = other;\nconst opened"),
    'other.ts': 'function* toy_open() { yield 1; }\nexport const other = toy_open;',
  });
  const { out } = await interlock(folder, ['check', 'toy.ts']);
  t.true(out.includes('in toy_open().'));
});

test('two scenarios of one name are refused, as a schedule could mean either', async (t) => {
  const folder = folderWith(t, { 'a.ts': toy(), 'b.ts': toy() });
  const { code, err } = await interlock(folder, ['check', 'a.ts', 'b.ts']);
  t.is(code, 2);
  t.true(err.startsWith('interlock: Two scenarios have the name "toy", in a.ts and in b.ts\n'));
});

test('an unknown name is answered with what is near, or with how to see all', async (t) => {
  const folder = folderWith(t);
  const { code, err } = await interlock(folder, ['check', 'no-such-thing-at-all']);
  t.is(code, 2);
  t.is(err, 'interlock: There is no scenario "no-such-thing-at-all"\nNext: interlock list\n');
  const pattern = await interlock(folder, ['check', 'no-such-*']);
  t.is(pattern.code, 2);
  t.true(pattern.err.startsWith('interlock: No name and no path of a scenario matches "no-such-*"\n'));
});

test('a scenario that is shipped is found by its name, by a pattern, and by the path of its source', async (t) => {
  const folder = folderWith(t);
  const all = listSchema.parse(JSON.parse((await interlock(folder, ['list', '--json'])).out)).scenarios;
  const [first] = all;
  if (first === undefined) return t.pass();
  for (const word of [first.name, `${first.name.slice(0, -1)}?`]) {
    const { scenarios } = listSchema.parse(JSON.parse((await interlock(folder, ['list', word, '--json'])).out));
    t.true(
      scenarios.some(({ name }) => name === first.name),
      word,
    );
  }
  const seeds = await interlock(folder, ['list', 'scenarios/register-rfc', '--json']);
  t.true(listSchema.parse(JSON.parse(seeds.out)).scenarios.length > 0);
  const { code, err } = await interlock(folder, ['check', `${first.name}x`]);
  t.is(code, 2);
  t.true(err.includes(`did you mean "${first.name}"?`));
});

test('what is listed reads as a table: name, tags, source, and what each variant expects', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out } = await interlock(folder, ['list', 'toy.ts']);
  t.is(code, 0);
  t.is(
    out,
    `toy  [toys]
  A toy is removed while it is opened
  from: this test
  bare  1 finding: use-after-free at toy
`,
  );
});

test('the index of ids has a line for each scenario that covers one, in the order of their numbers', async (t) => {
  const covering = (name: string, ids: string) => oneCall(name, { one: 'machine({})' }).replace('covers: []', `covers: [${ids}]`);
  const folder = folderWith(t, { 'a.ts': covering('ten', "'Q-10', 'Q-2'"), 'b.ts': covering('two', "'Q-2'") });
  const { code, out } = await interlock(folder, ['list', 'a.ts', 'b.ts', '--ids']);
  t.is(code, 0);
  t.deepEqual(
    out.split('\n').flatMap((line) => /^(.{4})  (\w+)/.exec(line)?.[0] ?? []),
    ['Q-2   ten', '      two', 'Q-10  ten'],
  );
});
