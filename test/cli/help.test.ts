import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { bin, folderWith, interlock, root } from './command.ts';

test('help begins with examples, and fits the width of a terminal', async (t) => {
  const folder = folderWith(t);
  for (const words of [
    ['--help'],
    ['help', 'check'],
    ...['list', 'check', 'review', 'diff', 'coverage', 'replay', 'run', 'export'].map((command) => [command, '--help']),
  ]) {
    const { code, out } = await interlock(folder, words);
    t.is(code, 0, words.join(' '));
    t.true(out.indexOf('Examples:') < out.indexOf('Options:'), words.join(' '));
    t.true(out.includes('Exit status: 0 as expected'), words.join(' '));
    for (const line of out.split('\n')) t.true(line.length <= 80, line);
    t.true(out.split('\n').length <= (words.includes('check') ? 50 : 34), words.join(' '));
  }
});

test('--version prints the version of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const { code, out } = await interlock(folderWith(t), ['--version']);
  t.is(code, 0);
  t.is(out.trim(), version);
});

test('a command or an option that there is not is answered with what is near', async (t) => {
  const folder = folderWith(t);
  const command = await interlock(folder, ['lst']);
  t.deepEqual([command.code, command.err], [2, "interlock: unknown command 'lst'\nNext: did you mean list?\n"]);
  const option = await interlock(folder, ['check', '--jsn']);
  t.deepEqual([option.code, option.err], [2, "interlock: unknown option '--jsn'\nNext: did you mean --json?\n"]);
});

test('an option that is given no number, or an unknown choice, says what it takes', async (t) => {
  const folder = folderWith(t);
  const number = await interlock(folder, ['check', '--max-states', 'many']);
  t.is(number.code, 2);
  t.true(number.err.includes("'many' is invalid. It is a whole number from 1."));
  const choice = await interlock(folder, ['run', 'x', '--strategy', 'lucky']);
  t.is(choice.code, 2);
  t.true(choice.err.includes('Allowed choices are random, round-robin, by-hand.'));
});

test('without a command there is help, on stderr, and it counts as wrong use', async (t) => {
  const { code, out, err } = await interlock(folderWith(t), []);
  t.is(code, 2);
  t.is(out, '');
  t.true(err.startsWith('Usage: interlock '));
});

test('before it was built it says how to build it', async (t) => {
  const folder = folderWith(t);
  mkdirSync(join(folder, 'bin'));
  const copy = join(folder, 'bin', 'interlock.mjs');
  cpSync(bin, copy);
  const { code, err } = await interlock(folder, ['list'], { bin: copy });
  t.is(code, 2);
  t.is(err, 'interlock: it has not been built yet\nNext: npm run build\n');
});
