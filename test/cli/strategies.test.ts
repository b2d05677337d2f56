/** `interlock check` with each of its searches, on one race that every one of them has to find. */
import test from 'ava';
import { folderWith, interlock } from './command.ts';
import { big } from './toys.ts';

const race = `
import { field, globals, load, store, type HandleTo, type Operation } from 'interlock/primitives';
import { call, defineScenario, variant } from 'interlock';

const counter = globals('counter', { x: field<number>(0) });
function* increment({ x }: HandleTo<typeof counter>): Operation {
  const t = yield* load(x);
  yield* store(x, t + 1);
}
export default defineScenario({
  name: 'lost', summary: 'An update is lost', source: 'this test', covers: [], tags: [],
  variants: {
    update: variant({
      objects: { counter },
      threads: ({ counter }) => ({ a: [call(increment, counter)], b: [call(increment, counter)] }),
      atEnd: { 'both count': ({ counter }) => counter.x.value === 2 },
      expect: [{ kind: 'end-state', object: 'counter.x' }],
    }),
  },
});
`;

interface Row {
  readonly options: readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

const rows: readonly Row[] = [
  { options: [], code: 0, says: /Exhaustive: 1 finding in 12 states/ },
  { options: ['--strategy', 'plain'], code: 0, says: /Exhaustive: 1 finding in 12 states/ },
  { options: ['--strategy', 'reduced'], code: 0, says: /Exhaustive: 1 finding in \d+ states.*Search: reduced/s },
  // The data races, of load and store and of both stores, are not expected.
  {
    options: ['--strategy', 'dpor'],
    code: 1,
    says: /3 findings in 4 traces.*BUG: KCSAN: data-race in increment \/ increment \(modelled\)/s,
  },
  { options: ['--workers', '2'], code: 0, says: /Exhaustive: 1 finding in 12 states/ },
  {
    options: ['--workers', '2', '--strategy', 'reduced'],
    code: 0,
    says: /Exhaustive: 1 finding in \d+ states.*Search: reduced/s,
  },
  {
    options: ['--strategy', 'dpor', '--resume'],
    code: 2,
    says: /Only a search that stores states, in one thread, can be gone on with/,
  },
  {
    options: ['--resume'],
    code: 0,
    says: /there is no checkpoint of lost\/update in \.interlock; the search begins at the start/,
  },
  { options: ['--preemptions', '0'], code: 3, says: /No finding in \d+ states, but cut: 0 preemptions/ },
  { options: ['--preemptions', '1'], code: 0, says: /Exhaustive: 1 finding/ },
  { options: ['--preemptions', '1', '--strategy', 'dpor'], code: 0, says: /at most so many preemptions: 0: 2, 1: 4\./ },
  {
    options: ['--strategy', 'pct', '--runs', '200'],
    code: 3,
    says: /1 finding .*cut: 200 runs at random \(PCT, depth 3, seed 1\)/s,
  },
  { options: ['--strategy', 'pos', '--runs', '200'], code: 3, says: /1 finding .*cut: 200 runs at random \(POS, seed 1\)/s },
  { options: ['--strategy', 'random', '--runs', '200', '--seed', '7'], code: 3, says: /1 finding .*\(random walk, seed 7\)/s },
  { options: ['--strategy', 'bitstate'], code: 3, says: /1 finding in 12 states, but cut: bitstate: all states seen/ },
  { options: ['--max-states', '3'], code: 3, says: /cut at 3 states.*Covered, by estimate: of 200 runs at random, \d+ stay/s },
  { options: ['--strategy', 'pct', '--preemptions', '1'], code: 2, says: /does not go with the strategy "pct"/ },
  { options: ['--time', '5 minutes'], code: 2, says: /It is a duration: 90s, 10m, 2h/ },
  { options: ['--max-memory', 'lots'], code: 2, says: /It is a size: 500M, 4G/ },
];

for (const { options, code, says } of rows)
  test(`check ${options.join(' ')}`, async (t) => {
    const folder = folderWith(t, { 'lost.ts': race });
    const ended = await interlock(folder, ['check', 'lost.ts', ...options]);
    t.regex(`${ended.out}${ended.err}`, says);
    t.is(ended.code, code);
  });

for (const [bound, says] of [
  ['--max-memory 1M', /cut: 1 MB of memory/],
  ['--time 1s', /cut: 1 second/],
] as const)
  test(`a big search ends at ${bound}, with an honest verdict`, async (t) => {
    const folder = folderWith(t, { 'big.ts': big });
    const { code, out } = await interlock(folder, ['check', 'big.ts', '--variant', 'first', ...bound.split(' ')]);
    t.regex(out, says);
    t.regex(out, /No finding in [\d,]+ states, but cut: /);
    t.regex(out, /Covered, by estimate: /);
    t.is(code, 3);
  });

test('a search that was cut goes on where it was, to the verdict of one that was not', async (t) => {
  const folder = folderWith(t, { 'big.ts': big });
  const words = ['check', 'big.ts', '--variant', 'first', '--strategy', 'plain', '-q'];
  const cut = await interlock(folder, [...words, '--max-states', '20000']);
  t.regex(cut.err, /Saved in \.interlock\/big@first\.checkpoint; go on from there with: interlock check .* --resume/);
  const resumed = await interlock(folder, [...words, '--max-states', '60000', '--resume']);
  t.regex(resumed.err, /going on from a checkpoint of 2\d,\d+ states/);
  const whole = await interlock(folder, [...words, '--max-states', '60000']);
  t.deepEqual([resumed.code, resumed.out], [whole.code, whole.out]);
  t.regex(whole.out, /cut at 60,000 states/);
});
