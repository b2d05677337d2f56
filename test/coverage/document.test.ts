import test from 'ava';
import { type Covered, merge } from '../../src/coverage/merge.ts';
import { coverVariant } from '../../src/coverage/coverage.ts';
import { DOCUMENT_FORMATS, render } from '../../src/document/render.ts';
import { coverageDocument } from '../../src/reporters/coverage-document.ts';
import { coverageJson } from '../../src/reporters/coverage-json.ts';
import { coverageSchema } from '../../src/reporters/coverage-schema.ts';
import { finish } from '../helpers/searches.ts';
import { isGolden } from '../reporters/golden.ts';
import { samples } from '../reporters/samples.ts';

const code = [
  {
    file: 'drivers/toy.ts',
    functions: [
      { name: 'toy_open', line: 3, run: true },
      { name: 'toy_poll', line: 9, run: false },
    ],
    errnos: [
      { errno: '-ENODEV', function: 'toy_open', line: 4, run: true },
      { errno: '-EBUSY', function: 'toy_open', line: 5, run: false },
    ],
  },
];

const of = (names: readonly string[], maxStates = 100_000): Covered =>
  merge(
    Object.entries(samples.variants)
      .filter(([name]) => names.includes(name))
      .map(([name, variant]) => finish(coverVariant(samples, name, variant, maxStates))),
    code,
  );

test('what a few designs cover reads as it is pinned', (t) => {
  isGolden(t, 'coverage.txt', render(coverageDocument(of(['use-after-free', 'never-reached', 'starvation'])), 'text'));
});

test('no line of the text is longer than 75 columns, and each format has all of it', (t) => {
  const document = coverageDocument(of(Object.keys(samples.variants)));
  for (const line of render(document, 'text').split('\n')) t.true(line.length <= 75, line);
  for (const format of DOCUMENT_FORMATS) t.true(render(document, format).includes('toy_poll'), format);
});

test('of a search that was cut it says what that means', (t) => {
  const text = render(coverageDocument(of(['use-after-free'], 3)), 'text').replaceAll(/\s+/g, ' ');
  t.true(text.includes('Cut, so that more may be reached than is said: - samples/use-after-free: 3 states'));
});

test('the coverage of every sample is one of its schema', (t) => {
  const document: unknown = JSON.parse(JSON.stringify(coverageJson(of(Object.keys(samples.variants)))));
  t.notThrows(() => coverageSchema.parse(document));
});
