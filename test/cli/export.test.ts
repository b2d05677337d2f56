import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { folderWith, interlock } from './command.ts';
import { big, oneCall, toy } from './toys.ts';

test('a scenario is written as Promela, with how to run it and what to expect on top', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out } = await interlock(folder, ['export', 'toy.ts', '-o', 'toy.pml']);
  t.is(code, 0);
  const model = readFileSync(join(folder, 'toy.pml'), 'utf8');
  const [, states, ends] = /toy\.pml: toy\/bare, (\d+) states, (\d+) ends, 0 deadlocked ends, 1 assertion;/.exec(out) ?? [];
  t.true(model.startsWith('/*\n * toy/bare, from the tables of Interlock.\n'));
  t.true(model.includes(' *   spin -a -o3 toy.pml\n'));
  t.true(model.includes(` * stores ${states} states, meets 0 invalid end states`), out);
  t.true(model.includes(`each end of a run is an invalid end state, and there are ${ends}.`));
  t.regex(model, / \* {3}!\(1\) {2}use-after-free: toy: it is used after it was freed\n/);
});

test('without a file it goes to stdout', async (t) => {
  const { code, out, err } = await interlock(folderWith(t, { 'toy.ts': toy() }), ['export', 'toy.ts', '--format', 'promela']);
  t.deepEqual([code, err], [0, '']);
  t.regex(out, /^active proctype thread_remover\(\) \{$/m);
});

test('a search that was cut knows too little, and nothing is written', async (t) => {
  const folder = folderWith(t, { 'big.ts': big });
  const { code, out, err } = await interlock(folder, ['export', 'big.ts', '--variant', 'first', '--max-states', '1000']);
  t.deepEqual([code, out], [2, '']);
  t.regex(err, /^interlock: The search was cut at 1000 states: .*\nNext: give it more states with --max-states/);
});

test('of several variants one has to be named, and a format that there is', async (t) => {
  const it = 'variant({ objects: { toy }, threads: ({ toy }) => ({ task: [call(get, toy)] }), expect: [] })';
  const folder = folderWith(t, { 'two.ts': oneCall('two', { a: it, b: it }) });
  const { code, err } = await interlock(folder, ['export', 'two.ts']);
  t.is(code, 2);
  t.true(err.includes('Next: --variant a, --variant b'));
  const format = await interlock(folder, ['export', 'two.ts', '--variant', 'a', '--format', 'tla']);
  t.deepEqual([format.code, format.err.includes('Allowed choices are promela, mermaid.')], [2, true]);
});

test('a file that cannot be written is a mistake of the command line', async (t) => {
  const { code, err } = await interlock(folderWith(t, { 'toy.ts': toy() }), ['export', 'toy.ts', '-o', 'none/toy.pml']);
  t.is(code, 2);
  t.regex(err, /^interlock: "none\/toy\.pml" cannot be written: ENOENT.*\nNext: choose another file with -o/);
});

test('its help has examples, and fits the width of a terminal', async (t) => {
  const { code, out } = await interlock(folderWith(t), ['export', '--help']);
  t.is(code, 0);
  t.true(out.indexOf('Examples:') < out.indexOf('Options:'));
  for (const line of out.split('\n')) t.true(line.length <= 80, line);
});
