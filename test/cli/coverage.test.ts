import test from 'ava';
import { coverageSchema } from '../../src/reporters/coverage-schema.ts';
import { folderWith, interlock } from './command.ts';
import { big, toy } from './toys.ts';

/** Exported, or the bundle would be made without it. */
const CODE = `
export function* toy_poll(toy: Toy): Operation<number> {
  return (yield* refcount_inc_not_zero(toy.users)) ? 0 : -6;
}`;
const withDeadCode = toy().replace('const opened', `${CODE}\nconst opened`);

test('functions and error paths of a scenario of the user are told in the lines of its source', async (t) => {
  const folder = folderWith(t, { 'toys/toy.ts': withDeadCode });
  const { code, out, err } = await interlock(folder, ['coverage', 'toys/toy.ts', '--json']);
  t.is(err, '');
  t.is(code, 0);
  const { code: files, operations } = coverageSchema.parse(JSON.parse(out));
  const lineOf = (text: string) => withDeadCode.split('\n').findIndex((line) => line.includes(text)) + 1;
  t.deepEqual(files, [
    {
      file: 'toys/toy.ts',
      functions: [
        { name: 'toy_open', line: lineOf('function* toy_open'), run: true },
        { name: 'toy_put', line: lineOf('function* toy_put'), run: true },
        { name: 'toy_poll', line: lineOf('function* toy_poll'), run: false },
      ],
      errnos: [
        { errno: '-ENODEV', function: 'toy_open', line: lineOf('-19'), run: true },
        { errno: '-ENXIO', function: 'toy_poll', line: lineOf('-6'), run: false },
      ],
    },
  ]);
  t.deepEqual(operations, [
    { operation: 'toy_open', results: ['-ENODEV', '0'] },
    { operation: 'toy_put', results: ['nothing'] },
  ]);
});

test('the same is covered however many work at a time', async (t) => {
  const folder = folderWith(t, { 'one.ts': toy(), 'two.ts': toy(undefined, 'two'), 'three.ts': toy(undefined, 'three') });
  const words = ['coverage', 'one.ts', 'two.ts', 'three.ts'];
  const alone = await interlock(folder, [...words, '--jobs', '1']);
  const together = await interlock(folder, [...words, '--jobs', '3']);
  t.is(alone.code, 0);
  t.is(alone.out, together.out);
  t.true(alone.out.startsWith('Coverage of 3 variants of 3 scenarios'));
});

test('it exits 1 where something is never reached that a scenario says is, and names it', async (t) => {
  const never = toy().replace('expect:', "sometimes: { 'three users': ({ toy }) => toy.users.n > 2 }, expect:");
  const folder = folderWith(t, { 'toy.ts': never });
  const { code, out } = await interlock(folder, ['coverage', 'toy.ts']);
  t.is(code, 1);
  t.true(out.includes('- toy/bare: "three users"'));
});

test('it exits 3 where a search was cut, and says which', async (t) => {
  const folder = folderWith(t, { 'big.ts': big });
  const { code, out } = await interlock(folder, ['coverage', 'big.ts', '--variant', 'first', '--max-states', '1000']);
  t.is(code, 3);
  t.true(out.includes('- big/first: 1000 states'));
});

test('a page of it is one document', async (t) => {
  const folder = folderWith(t, { 'toy.ts': toy() });
  const { code, out } = await interlock(folder, ['coverage', 'toy.ts', '--format', 'html']);
  t.is(code, 0);
  t.true(out.startsWith('<!doctype html>') || out.startsWith('<!DOCTYPE html>'));
  t.true(out.includes('toy_put'));
});
