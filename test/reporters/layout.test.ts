import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { ascii, count, cut, listed, wrap } from '../../src/reporters/layout.ts';

testProp(
  'wrapped text is never wider than asked for, and keeps its letters',
  [fc.string({ unit: 'grapheme' }), fc.integer({ min: 10, max: 80 })],
  (t, text, width) => {
    const lines = wrap(text, '  ', '    ', width);
    for (const line of lines) t.true(line.length <= width);
    t.is(lines.join('').replaceAll(' ', ''), ascii(text).replaceAll(/\s/g, ''));
  },
);

test('other alphabets become question marks, and typographers a typewriter', (t) => {
  t.is(ascii('\u201cA\u201d \u2013 \u00e9\u2026\t\u2192'), '"A" - ?... ->');
});

test('what is cut says so', (t) => {
  t.is(cut('abcdefgh', 8), 'abcdefgh');
  t.is(cut('abcdefgh', 6), 'abc...');
});

test('numbers are counted and grouped, lists end in "and"', (t) => {
  t.is(count(1, 'state'), '1 state');
  t.is(count(1234567, 'state'), '1,234,567 states');
  t.is(listed(['a', 'b', 'c']), 'a, b and c');
  t.is(listed([]), '');
});
