import test from 'ava';
import { diff, type Diff } from '../../src/diff/diff.ts';
import { DOCUMENT_FORMATS, render } from '../../src/document/render.ts';
import type { CheckResult } from '../../src/index.ts';
import { diffDocument } from '../../src/reporters/diff-document.ts';
import { diffJson } from '../../src/reporters/diff-json.ts';
import { diffSchema } from '../../src/reporters/diff-schema.ts';
import { designs } from '../helpers/designs.ts';
import { isGolden } from '../reporters/golden.ts';

const compared = (a: string, b: string, maxStates = 100_000): Promise<Diff> =>
  diff(designs, a, b, { maxStates, threads: new Map<string, string>() });

/** How long it took is the one thing that differs from run to run. */
const timeless = async (a: string, b: string, maxStates?: number): Promise<Diff> => {
  const result = await compared(a, b, maxStates);
  const at = (check: CheckResult): CheckResult => ({ ...check, seconds: 0.025 });
  return { ...result, checks: [at(result.checks[0]), at(result.checks[1])] };
};

test('a finding that the fix does not have is in the first design only', async (t) => {
  const { findings } = await compared('bare', 'locked');
  t.deepEqual(findings.both, []);
  t.deepEqual(
    findings.only.map((only) => only.map(({ kind, object }) => `${kind} ${object}`)),
    [['end-state cells.x'], []],
  );
  t.is((await compared('bare', 'bare')).findings.both.length, 1);
});

test('an order of locks that is turned round is an edge lost and an edge gained', async (t) => {
  const { locks } = await compared('one-way', 'other-way');
  t.deepEqual(locks, {
    both: 0,
    only: [
      [{ from: 'cells.m', to: 'cells.n', functions: ['nested'] }],
      [{ from: 'cells.n', to: 'cells.m', functions: ['nested_otherwise'] }],
    ],
  });
  t.is((await compared('one-way', 'one-way')).locks.both, 1);
});

for (const [name, a, b] of [
  ['diff-fix', 'bare', 'locked'],
  ['diff-outcomes', 'locked', 'unasked'],
  ['diff-locks', 'one-way', 'other-way'],
] as const)
  test(`the comparison of "${a}" with "${b}" reads as it is pinned`, async (t) => {
    isGolden(t, `${name}.txt`, render(diffDocument(await timeless(a, b)), 'text'));
  });

test('no line of the text is longer than 75 columns, and each format has all of it', async (t) => {
  const document = diffDocument(await timeless('bare', 'locked'));
  for (const line of render(document, 'text').split('\n')) t.true(line.length <= 75, line);
  for (const format of DOCUMENT_FORMATS) t.true(render(document, format).includes('b wait before'), format);
});

test('a search that was cut is said to be so before anything else', async (t) => {
  const text = render(diffDocument(await timeless('bare', 'locked', 3)), 'text').replaceAll(/\s+/g, ' ');
  t.true(text.includes('The search of bare and locked was cut: what it has not met may be there all the same.'));
});

test('the comparison of every two designs is one of its schema', async (t) => {
  const names = Object.keys(designs.variants);
  for (const a of names)
    for (const b of names) {
      const document: unknown = JSON.parse(JSON.stringify(diffJson(await compared(a, b))));
      t.notThrows(() => diffSchema.parse(document), `${a} ${b}`);
    }
});
