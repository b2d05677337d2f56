import test from 'ava';
import { fixedPart, globToRegExp, isGlob } from '../../src/cli/glob.ts';

const matches = (glob: string, ...texts: readonly string[]) => texts.filter((text) => globToRegExp(glob).test(text));

test('a star stays within a part of a path, two stars do not', (t) => {
  const paths = ['a.ts', 'races/a.ts', 'races/deep/a.ts'];
  t.deepEqual(matches('*.ts', ...paths), ['a.ts']);
  t.deepEqual(matches('races/*.ts', ...paths), ['races/a.ts']);
  t.deepEqual(matches('**/*.ts', ...paths), paths);
  t.deepEqual(matches('races/**', ...paths), ['races/a.ts', 'races/deep/a.ts']);
});

test('braces offer, brackets and question marks stand for one letter', (t) => {
  t.deepEqual(matches('{open,close}-*', 'open-a', 'close-b', 'other-c'), ['open-a', 'close-b']);
  t.deepEqual(matches('y-[1-3]', 'y-1', 'y-4'), ['y-1']);
  t.deepEqual(matches('y-[!1]', 'y-1', 'y-4'), ['y-4']);
  t.deepEqual(matches('y-?', 'y-1', 'y-10'), ['y-1']);
});

test('letters that mean something to a regular expression mean themselves', (t) => {
  t.deepEqual(matches('a.b+(c)', 'a.b+(c)', 'axb+(c)'), ['a.b+(c)']);
  t.deepEqual(matches('{a', 'a', '{a'), ['a']);
});

test('a pattern is told from a name, and knows the folder that it cannot leave', (t) => {
  t.false(isGlob('refcount-read-set'));
  t.true(isGlob('refcount-*'));
  t.is(fixedPart('races/deep/*.ts'), 'races/deep/');
  t.is(fixedPart('races/de*/x.ts'), 'races/');
  t.is(fixedPart('*.ts'), '');
});
