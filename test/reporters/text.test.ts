import test from 'ava';
import { checkVariant, type CheckResult } from '../../src/index.ts';
import { plain } from '../../src/reporters/layout.ts';
import { checkText, type TextOptions } from '../../src/reporters/text.ts';
import { isGolden } from './golden.ts';
import { samples } from './samples.ts';

const options: TextOptions = {
  paint: plain,
  detail: 'full',
  allSteps: false,
  placeOf: null,
  replay: ({ id }) => `npx interlock replay schedules/${id}.schedule`,
};

/** How long it took is the one thing that differs from run to run. */
const checked = async (variant: string, maxStates = 100_000): Promise<CheckResult> => ({
  ...(await checkVariant(samples, variant, { maxStates })),
  seconds: 0.025,
});

const reported = async (variant: string, more: Partial<TextOptions> = {}, maxStates?: number): Promise<string> =>
  [...checkText(await checked(variant, maxStates), { ...options, ...more }), ''].join('\n');

for (const variant of Object.keys(samples.variants))
  test(`the report of "${variant}" reads as it is pinned`, async (t) => {
    isGolden(t, `${variant}.txt`, await reported(variant));
  });

test('a report without elisions shows every step', async (t) => {
  isGolden(t, 'refcount-all-steps.txt', await reported('refcount', { allSteps: true }));
});

test('a search that was cut claims nothing beyond its bound', async (t) => {
  const text = await reported('refcount', {}, 5);
  isGolden(t, 'cut.txt', text);
  t.true(text.includes('No finding, but cut at 5 states'));
  t.false(text.includes('Exhaustive'));
  t.true(text.includes('Expected and not found before the cut'));
});

test('a clean search that ended by itself says that it was exhaustive, and in how many states', async (t) => {
  const result = await checked('clean');
  t.true((await reported('clean')).includes(`Exhaustive: no finding in ${result.states} states`));
});

test('no line is longer than 75 columns, but for schedules and commands, and all is ASCII without tabs', async (t) => {
  for (const variant of Object.keys(samples.variants))
    for (const allSteps of [false, true])
      for (const line of (await reported(variant, { allSteps })).split('\n')) {
        t.regex(line, /^[\x20-\x7e]*$/, line);
        t.false(line.endsWith(' '), line);
        if (!isCopied(line)) t.true(line.length <= 75, line);
      }
});

const isCopied = (line: string): boolean => /^Replay: |^ {2}interlock\/1 |^ {2}\w+ \d+ \w+\(/.test(line);

test('a brief report draws what is not expected, and gives a line to what is', async (t) => {
  const expected = await reported('refcount', { detail: 'brief' });
  t.true(expected.includes('expected: refcount: toy.refcount'));
  t.false(expected.includes('CPU0'));
  t.true((await reported('deadlock', { detail: 'brief' })).includes('CPU0'));
});

test('a quiet report still names what is not expected', async (t) => {
  const quiet = await reported('deadlock', { detail: 'line' });
  t.true(quiet.includes('UNEXPECTED: Deadlock'));
  t.false(quiet.includes('CPU0'));
});

test('what was expected and did not come, and what was never reached, is named', async (t) => {
  const text = await reported('never-reached');
  t.true(text.includes('Expected and not found: leak at toy.'));
  t.true(text.includes('Never reached: "the user is in".'));
});

test('colours change no word of a report', async (t) => {
  const mark = (text: string) => `\u001b[1m${text}\u001b[0m`;
  const paint = { good: mark, bad: mark, doubtful: mark, strong: mark, faint: mark };
  for (const variant of ['refcount', 'deadlock', 'clean', 'never-reached']) {
    const coloured = await reported(variant, { paint });
    t.not(coloured, await reported(variant));
    // oxlint-disable-next-line no-control-regex
    t.is(coloured.replaceAll(/\u001b\[\dm/g, ''), await reported(variant));
  }
});
