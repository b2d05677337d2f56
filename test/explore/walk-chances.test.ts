/** The chances of a random walk, worked out by hand, and against as many walks as it takes to notice a difference. */
import { testProp } from '@fast-check/ava';
import test from 'ava';
import { again, choose, loop, type Operation, WARN_ON } from '../../actors/step.ts';
import type { Explored } from '../../src/explore/plain-search.ts';
import { randomWalk } from '../../src/explore/sample/random-walk.ts';
import { scoreInterval } from '../../src/explore/sample/interval.ts';
import { walkChances } from '../../src/explore/walk-chances.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { randomVariants } from '../helpers/random-program.ts';
import { finish, plain } from '../helpers/searches.ts';
import { type Cells, cells, increment, locked_increment, write } from '../helpers/tiny.ts';

const chancesOf = (explored: Explored) => {
  const search = walkChances(explored);
  for (let turn = search.next(null); ; turn = search.next(null)) if (turn.done) return turn.value;
};

/** By the text of the fault. */
function byText(design: Variant) {
  const explored = plain(design);
  const { first, open } = chancesOf(explored);
  return { open, chances: Object.fromEntries([...first].map(([id, chance]) => [explored.judge.faults[id]?.text, chance])) };
}

const increments = (operation: typeof increment) =>
  variant({
    objects: { cells },
    threads: (o) => ({ a: [call(operation, o.cells)], b: [call(operation, o.cells)] }),
    atEnd: { 'both count': ({ cells: { x } }) => x.value === 2 },
    expect: [],
  });

/*
 * aabb and bbaa: 1/2 * 1/2, as nobody else is left after that. abab, abba, baab, baba: 1/2 * 1/2 * 1/2. The four that lose
 * an update are four of six, and weigh a half.
 */
test('of two tasks that read and then write, a walk loses an update half of the time', (t) => {
  t.deepEqual(byText(increments(increment)), { open: 0, chances: { '"both count" does not hold at the end': 0.5 } });
});

test('under a lock it loses none', (t) => {
  t.deepEqual(byText(increments(locked_increment)), { open: 0, chances: {} });
});

function* warn(what: string): Operation {
  yield* WARN_ON(true, what);
}
function* late(cells: Cells, what: string): Operation {
  yield* write(cells.x, 1);
  yield* WARN_ON(true, what);
}

// b is first if its two steps come before the one of a: 1/2 * 1/2.
test('what comes after another fault is not counted', (t) => {
  const design = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(warn, 'a')], b: [call(late, o.cells, 'b')] }),
    expect: [],
  });
  t.deepEqual(byText(design), { open: 0, chances: { a: 0.75, b: 0.25 } });
});

// Ways count as threads do: a has two ways, b one step. left: 1/3 at once, or b first (1/3) and then 1/2.
test('each way of a step is as likely as the step of another thread', (t) => {
  function* either(): Operation {
    const way = yield* choose('which', 'left', 'right');
    yield* WARN_ON(way === 'left', 'left');
  }
  const design = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(either)], b: [call(write, o.cells.x, 1)] }),
    expect: [],
  });
  const { chances, open } = byText(design);
  t.is(open, 0);
  t.true(Math.abs((chances['left'] ?? 0) - 0.5) < 1e-12);
});

// Each turn ends in a warning with 1/3, quietly with 1/3, or goes round: 1/3 + 1/9 + 1/27 + ... = 1/2.
test('where a thread loops, what is still on its way says how far off a chance may be', (t) => {
  function* spin(): Operation {
    yield* loop(0, function* (): Operation<ReturnType<typeof again<number>> | null> {
      const way = yield* choose('which', 'round', 'warn', 'end');
      if (way === 'round') return again(0);
      yield* WARN_ON(way === 'warn', 'in the loop');
      return null;
    });
  }
  const { chances, open } = byText(variant({ objects: { cells }, threads: () => ({ a: [call(spin)] }), expect: [] }));
  const chance = chances['in the loop'] ?? 0;
  t.true(open > 0 && open < 1e-6);
  t.true(chance <= 0.5 && 0.5 <= chance + open + 1e-12, `${chance}`);
});

// Within five standard deviations and one run; the programs are always the same ones, so that chance never speaks.
testProp(
  'as many walks as are made meet each fault first as often as is computed',
  [randomVariants],
  (t, design) => {
    const explored = plain(design);
    if (explored.cut !== null) return;
    const { first, open } = chancesOf(explored);
    t.true(open < 1e-3);
    const runs = 2000;
    const walked = finish(randomWalk(new Program(design), design, { runs, seed: 7, maxSteps: 10_000, maxStates: Infinity }));
    const keys = new Set([
      ...[...first.keys()].map((id) => explored.judge.keyOf(id)),
      ...[...walked.first.keys()].map((id) => walked.judge.keyOf(id)),
    ]);
    for (const key of keys) {
      const computed = first.get(explored.judge.numberOf(key) ?? -1) ?? 0;
      const counted = (walked.first.get(walked.judge.numberOf(key) ?? -1) ?? 0) / runs;
      const off = 5 * Math.sqrt((computed * (1 - computed)) / runs) + 1 / runs;
      t.true(Math.abs(computed - counted) <= off, `${key}: computed ${computed}, counted ${counted}`);
    }
  },
  { numRuns: 40, seed: 11 },
);

// Wilson 1927, by hand: z = 1.96, 8 of 10: centre (0.8 + 0.192)/1.384, half 1.96/1.384 * sqrt(0.016 + 0.0096).
test('the interval of a counted share is the score interval', (t) => {
  const near = (one: number, other: number) => t.true(Math.abs(one - other) < 0.0005, `${one} ${other}`);
  near(scoreInterval(8, 10).low, 0.4902);
  near(scoreInterval(8, 10).high, 0.9433);
  t.is(scoreInterval(0, 100).low, 0);
  near(scoreInterval(0, 100).high, 0.037);
  t.is(scoreInterval(100, 100).high, 1);
});
