/** Runs at random: what the ways of drawing them are known to find, and what the runs tell of what they have not met. */
import { testProp } from '@fast-check/ava';
import test from 'ava';
import { again, choose, loop, type Operation, WARN_ON } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock } from '../../actors/sync/mutex.ts';
import { Chance } from '../../src/explore/sample/chance.ts';
import { Census } from '../../src/explore/sample/coverage.ts';
import { pct } from '../../src/explore/sample/pct.ts';
import { pos } from '../../src/explore/sample/pos.ts';
import { randomWalk } from '../../src/explore/sample/random-walk.ts';
import type { Sampled, SampleOptions } from '../../src/explore/sample/sample.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { randomVariants } from '../helpers/random-program.ts';
import { faultsOf, finish, plain, waysLead } from '../helpers/searches.ts';
import { type Cells, cells, increment } from '../helpers/tiny.ts';

type Strategy = (program: Program, variant: Variant, options: SampleOptions) => ReturnType<typeof randomWalk>;
const pctOf =
  (depth: number, steps: number | null): Strategy =>
  (program, design, options) =>
    pct(program, design, { ...options, depth, steps });
const strategies: readonly (readonly [string, Strategy])[] = [
  ['random walk', randomWalk],
  ['PCT', pctOf(3, null)],
  ['POS', pos],
];

const runsOf = (strategy: Strategy, design: Variant, options: Partial<SampleOptions> = {}): Sampled =>
  finish(strategy(new Program(design), design, { runs: 100, seed: 1, maxSteps: 1000, maxStates: 100_000, ...options }));

const hitRate = (strategy: Strategy, design: Variant, runs: number): number => runsOf(strategy, design, { runs }).faulty / runs;

/** Four standard deviations of a share of so many draws. */
const spread = (probability: number, runs: number): number => 4 * Math.sqrt((probability * (1 - probability)) / runs);

function* count_up({ x }: Cells, to: number): Operation {
  for (let i = 1; i <= to; i++) yield* store(x, i);
}
function* expect_to_read({ x }: Cells, ...values: readonly number[]): Operation {
  const seen: number[] = [];
  for (let i = 0; i < values.length; i++) seen.push(yield* load(x));
  yield* WARN_ON(seen.join() === values.join(), 'just then');
}
const counting = (to: number, ...values: readonly number[]): Variant =>
  variant({
    objects: { cells },
    threads: (o) => ({ a: [call(count_up, o.cells, to)], b: [call(expect_to_read, o.cells, ...values)] }),
    expect: [],
  });

testProp(
  'whatever a run at random finds, the plain search finds, and a schedule leads there',
  [randomVariants],
  (t, design) => {
    const searched = plain(design);
    const all = faultsOf(searched);
    for (const [, strategy] of strategies) {
      const found = runsOf(strategy, design, { runs: 20 });
      for (const line of faultsOf(found)) t.true(all.includes(line) || all.includes(line.replace(/ \(consequence\)$/, '')));
      waysLead(t, found);
      t.true(found.states <= searched.states);
      t.true(found.sometimes.every(({ reached }, i) => !reached || searched.sometimes[i]?.reached));
    }
  },
  { numRuns: 30 },
);

for (const [name, strategy] of strategies)
  test(`${name}: the same seed gives the same runs, another others`, (t) => {
    const design = counting(10, 5);
    const of = (seed: number) => {
      const { steps, states, depth, coverage, sightings } = runsOf(strategy, design, { seed, runs: 30 });
      return JSON.stringify([steps, states, depth, coverage, sightings.map((sighting) => sighting.way())]);
    };
    t.is(of(7), of(7));
    t.true(new Set([1, 2, 3, 4, 5].map(of)).size > 1);
  });

// a writes 1 to 10, b reads and warns of a 5: b must come after the fifth write and before the sixth.
test('PCT finds a bug of depth 2 in one run as often as it says, and one of depth 2 never at depth 1', (t) => {
  const runs = 3000;
  const design = counting(10, 5);
  // b begins below a, and a falls at the sixth of the twelve steps: 1/2 * 1/12, the bound itself.
  const rate = hitRate(pctOf(2, 12), design, runs);
  t.true(Math.abs(rate - 1 / 24) < spread(1 / 24, runs), `${rate}`);
  t.is(hitRate(pctOf(1, 12), design, 200), 0);
});

// b reads 3, and then what is left at the end: after the third write, before the fourth, after the last.
test('PCT finds a bug of depth 3 in one run as often as it says', (t) => {
  const runs = 6000;
  // a falls at the fourth of nine steps to the upper rank, and b at the fifth to the lower.
  const rate = hitRate(pctOf(3, 9), counting(6, 3, 6), runs);
  t.true(Math.abs(rate - 1 / 162) < spread(1 / 162, runs), `${rate}`);
});

test('PCT falls at any step from the first to the last that was asked for', (t) => {
  const runs = 3000;
  // b reads 1 if a falls at the second step.
  const rate = hitRate(pctOf(2, 2), counting(2, 1), runs);
  t.true(Math.abs(rate - 1 / 4) < spread(1 / 4, runs), `${rate}`);
});

test('PCT gives its guarantee in words, with the numbers it has measured or was given', (t) => {
  const design = counting(10, 5);
  const given = runsOf(pctOf(2, 12), design, { runs: 100, seed: 3 });
  t.is(given.cut, '100 runs at random (PCT, depth 2, seed 3)');
  // (23/24)^100 = 0.01418
  t.is(
    given.guarantee,
    'each run finds a given bug of depth 2 that shows within 12 steps with a probability of at least 1/(2*12^1) = 1/24; ' +
      '100 such runs miss it with one of at most 0.015',
  );
  const measured = runsOf(pctOf(2, null), counting(3, 9), { runs: 50 });
  t.is(measured.cut, '50 runs at random (PCT, depth 2, seed 1), after 10 to measure them');
  t.regex(measured.guarantee ?? '', /within 4 steps with a probability of at least 1\/\(2\*4\^1\) = 1\/8;/);
  // Runs that are cut short show no more than their steps, and when runs are ended nobody knows what that has to do with them.
  t.regex(runsOf(pctOf(2, 99), design, { maxSteps: 5 }).guarantee ?? '', /within 5 steps/);
  t.regex(runsOf(pctOf(2, 12), design, { maxStates: 10 }).guarantee ?? '', / = 1\/24$/);
  t.regex(runsOf(pctOf(1, 12), design, { runs: 2000 }).guarantee ?? '', /at most 1e-300$/);
  t.is(measured.traces, 60);
  t.is(measured.runs, 50);
});

test('where a step has several ways, the guarantee of PCT wants the right ones', (t) => {
  function* decide(): Operation {
    yield* WARN_ON((yield* choose('memory', 'there', 'none')) === 'none', 'no memory');
  }
  const design = variant({ objects: { cells }, threads: () => ({ a: [call(decide)], b: [call(decide)] }), expect: [] });
  t.regex(runsOf(pctOf(1, 4), design).guarantee ?? '', /if every step with several ways takes the right one/);
  t.notRegex(runsOf(pctOf(1, 4), counting(2, 1)).guarantee ?? '', /several ways/);
});

test('PCT refuses a depth that no bug has', (t) => {
  for (const depth of [0, -1, 1.5]) t.throws(() => runsOf(pctOf(depth, 5), counting(2, 1)), { instanceOf: RangeError });
});

// Ten steps of a that nobody shares, then a write; b reads once.
function* write_late({ x, y }: Cells): Operation {
  for (let i = 1; i <= 10; i++) yield* store(y, i);
  yield* store(x, 1);
}
const late = variant({
  objects: { cells },
  threads: (o) => ({ a: [call(write_late, o.cells)], b: [call(expect_to_read, o.cells, 1)] }),
  expect: [],
});

test('POS meets a trace that most schedules are not of far more often than a random walk does', (t) => {
  const runs = 3000;
  // b keeps its priority while a draws eleven: b is the lowest of twelve.
  const rate = hitRate(pos, late, runs);
  t.true(Math.abs(rate - 1 / 12) < spread(1 / 12, runs), `${rate}`);
  // A coin for each of the eleven.
  t.true(hitRate(randomWalk, late, runs) < 2 ** -11 + spread(2 ** -11, runs));
});

test('POS draws anew for a step that conflicts with the one that was taken, and only for it', (t) => {
  const runs = 4000;
  // a writes 1, then 2. Once the first is written b has drawn anew, so each of it and the second write is as likely to be
  // next: 1/2 * 1/2. With the priority it had b would be known to be low: 1/6.
  const rate = hitRate(pos, counting(2, 1), runs);
  t.true(Math.abs(rate - 1 / 4) < spread(1 / 4, runs), `${rate}`);
});

test('a random walk draws each option alike, from the first step on', (t) => {
  const runs = 4000;
  // b first of three steps, and the rest does not matter: reads 0.
  const rate = hitRate(randomWalk, counting(2, 0), runs);
  t.true(Math.abs(rate - 1 / 2) < spread(1 / 2, runs), `${rate}`);
});

test('what is drawn first has nothing to do with whether the seed is even', (t) => {
  const seeds = Array.from({ length: 60 }, (_, i) => 2 * i);
  const first = seeds.map((seed) => runsOf(randomWalk, counting(1, 0), { runs: 1, seed }).faulty);
  const ofB = first.filter((faulty) => faulty === 1).length;
  t.true(ofB > 15 && ofB < 45, `${ofB}`);
});

for (const [name, strategy] of strategies)
  test(`${name}: what comes after a state that was wrong is a consequence, and the runs that met something are counted`, (t) => {
    function* pass_through({ x, y }: Cells): Operation {
      yield* store(x, 1);
      yield* store(x, 2);
      yield* WARN_ON((yield* load(y)) === 0, 'afterwards');
    }
    const design = variant({
      objects: { cells },
      threads: (o) => ({ a: [call(pass_through, o.cells)] }),
      always: { 'x is not 1': ({ cells: { x } }) => x.value !== 1 },
      expect: [],
    });
    const found = runsOf(strategy, design, { runs: 7 });
    t.deepEqual(
      found.sightings.map(({ fault, primary }) => [found.judge.faults[fault]?.kind, primary]),
      [
        ['invariant', true],
        ['warn', false],
      ],
    );
    t.is(found.faulty, 7);
    waysLead(t, found);
  });

test('a run that is wrong for a moment, and one that ends in a deadlock, have met something', (t) => {
  const wrong = (always: boolean): Variant =>
    variant({
      objects: { cells },
      threads: (o) => ({ a: [call(count_up, o.cells, 2)] }),
      always: { 'x is not 1': ({ cells: { x } }) => !always || x.value !== 1 },
      atEnd: { 'x is 1': ({ cells: { x } }) => always || x.value === 1 },
      expect: [],
    });
  function* wait({ m }: Cells): Operation {
    yield* mutex_lock(m);
    yield* mutex_lock(m);
  }
  const stuck = variant({ objects: { cells }, threads: (o) => ({ a: [call(wait, o.cells)] }), expect: [] });
  for (const design of [wrong(true), wrong(false), stuck]) t.is(runsOf(randomWalk, design, { runs: 5 }).faulty, 5);
  t.is(runsOf(randomWalk, counting(2, 7), { runs: 5 }).faulty, 0);
});

test('a run that would not end is cut short, and is counted as such', (t) => {
  function* spin({ x }: Cells): Operation {
    yield* loop(null, function* () {
      return (yield* load(x)) === 0 ? again(null) : undefined;
    });
  }
  const design = variant({ objects: { cells }, threads: (o) => ({ a: [call(spin, o.cells)] }), expect: [] });
  const found = runsOf(randomWalk, design, { runs: 3, maxSteps: 20 });
  t.is(found.cut, '3 runs at random (random walk, seed 1), 3 of them cut short after 20 steps');
  t.is(found.traces, 0);
  t.is(found.steps, 60);
  t.is(found.coverage.noNewEnd, null);
  t.is(runsOf(randomWalk, counting(2, 1), { runs: 1 }).cut, '1 run at random (random walk, seed 1)');
});

test('a search that is stopped says how many of the runs there were', (t) => {
  const design = counting(10, 5);
  t.regex(runsOf(randomWalk, design, { maxStates: 10 }).cut, /^\d+ runs? at random \(random walk, seed 1\), of 100: 10 states$/);
  const search = randomWalk(new Program(design), design, { runs: 1000, seed: 1, maxSteps: 100, maxStates: 1000 });
  let turn = search.next();
  while (!turn.done) {
    t.true(turn.value.share !== null && turn.value.share > 0 && turn.value.share <= 1);
    turn = search.next('interrupted');
  }
  t.regex(turn.value.cut ?? '', /^\d+ runs at random \(random walk, seed 1\), of 1000: interrupted$/);
});

const increments = (threads: number): Variant =>
  variant({
    objects: { cells },
    threads: (o) => Object.fromEntries(Array.from({ length: threads }, (_, i) => [`t${i}`, [call(increment, o.cells)]])),
    expect: [],
  });

test('the number of schedules is estimated from random walks: exactly where all are alike, else in the mean', (t) => {
  function* once({ x }: Cells): Operation {
    yield* store(x, 1);
  }
  const three = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(once, o.cells)], b: [call(once, o.cells)], c: [call(once, o.cells)] }),
    expect: [],
  });
  t.deepEqual(runsOf(randomWalk, three).coverage.schedules, { mean: 6, standardError: 0 });
  // 6!/(2!*2!*2!) = 90
  const { mean, standardError } = runsOf(randomWalk, increments(3), { runs: 4000 }).coverage.schedules ?? {};
  t.true(standardError !== undefined && standardError < 1);
  t.true(Math.abs((mean ?? 0) - 90) < 4 * (standardError ?? 0));
  for (const strategy of [pos, pctOf(2, 5)]) t.is(runsOf(strategy, increments(3)).coverage.schedules, null);
});

test('what no other run has met tells how likely one more meets something new', (t) => {
  const census = new Census();
  t.deepEqual(census.coverage, { noNewState: null, noNewEnd: null, schedules: null });
  const run = (...states: readonly number[]) => {
    census.begin();
    for (const state of states) census.meet(state);
    census.end(states.at(-1) as number);
  };
  run(0, 1, 2);
  run(0, 1, 2);
  // 0 to 2 are known to both.
  t.deepEqual([census.coverage.noNewState, census.coverage.noNewEnd], [1, 1]);
  run(0, 3, 4, 3, 2);
  // The third alone has met 3 and 4, twice the one; it ended where the others did.
  t.deepEqual([census.coverage.noNewState, census.coverage.noNewEnd], [1 - 1 / 3, 1]);
  run(0, 3, 5);
  // The third still has 4 for itself, the fourth has 5, and an end of its own.
  t.deepEqual([census.coverage.noNewState, census.coverage.noNewEnd], [1 - 2 / 4, 1 - 1 / 4]);
  run(0, 4, 5);
  t.deepEqual([census.coverage.noNewState, census.coverage.noNewEnd], [1, 1]);
  // To meet a state twice is not to share it.
  run(7, 7);
  t.deepEqual([census.coverage.noNewState, census.coverage.noNewEnd], [1 - 1 / 6, 1 - 1 / 6]);
});

test('the estimate is right in the mean: a run that is left out meets something new as often as it says', (t) => {
  const chance = new Chance(1);
  const trials = 4000;
  let estimated = 0;
  let met = 0;
  for (let trial = 0; trial < trials; trial++) {
    const census = new Census();
    const known = new Set<number>();
    for (let run = 0; run < 5; run++) {
      census.begin();
      const states = [chance.below(4), 4 + chance.below(20)];
      if (run === 4 && states.some((state) => !known.has(state))) met++;
      for (const state of states) {
        known.add(state);
        census.meet(state);
      }
    }
    estimated += 1 - (census.coverage.noNewState ?? 0);
  }
  // Of five runs as many are alone with a state, in the mean, as the fifth is.
  t.true(Math.abs(estimated - met) / trials < 0.03, `${estimated} and ${met}`);
});
