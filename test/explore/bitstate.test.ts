/** The search that keeps some bits of a state: with room enough it is the plain search, and without it says what it misses. */
import { testProp } from '@fast-check/ava';
import test from 'ava';
import { again, choose, loop, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { type Bitstate, bitstate } from '../../src/explore/bitstate.ts';
import { call, local, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { randomVariants } from '../helpers/random-program.ts';
import { faultsOf, finish, plain, waysLead } from '../helpers/searches.ts';
import { type Cells, cells, increment } from '../helpers/tiny.ts';

const inBits = (design: Variant, options: { megabytes?: number; hashes?: number; maxDepth?: number } = {}): Bitstate =>
  finish(bitstate(new Program(design), design, { megabytes: 1, hashes: 3, maxDepth: 10_000, ...options }));

/** Each reads x and writes it back plus one. */
const increments = (threads: number): Variant =>
  variant({
    objects: { cells },
    threads: (o) => Object.fromEntries(Array.from({ length: threads }, (_, i) => [`t${i}`, [call(increment, o.cells)]])),
    always: { 'x is small': ({ cells: { x } }) => x.value < threads },
    sometimes: { 'an update is lost': ({ cells: { x }, ended }) => ended('t0') && ended('t1') && x.value === 1 },
    expect: [],
  });

testProp(
  'with room enough it finds what the plain search finds, in as many states',
  [randomVariants],
  (t, design) => {
    const found = inBits(design);
    const searched = plain(design);
    t.is(found.states, searched.states);
    t.is(found.steps, searched.steps);
    t.deepEqual(faultsOf(found), faultsOf(searched));
    waysLead(t, found);
    t.is(found.cut, 'bitstate: all states seen, with a probability of 99.99%');
  },
  { numRuns: 40 },
);

const KILOBYTE = 1 / 1024;

/** One choice of so many: no state has another behind it. */
function fan(ways: number): Variant {
  function* decide(): Operation<string> {
    return yield* choose('way', ...Array.from({ length: ways }, (_, i) => `${i}`));
  }
  return variant({ objects: { cells }, threads: () => ({ a: [call(decide).into(local<string>('a'))] }), expect: [] });
}

const fanned = fan(150);
const fannedTables = new Program(fanned);

for (const [bytes, hashes] of [
  [32, 1],
  [48, 1],
  [32, 2],
  [40, 3],
] as const)
  test(`a table of ${bytes} bytes with ${hashes} bits to a state misses states, and says about how many`, (t) => {
    const megabytes = (bytes / 1024) * KILOBYTE;
    const found = finish(bitstate(fannedTables, fanned, { megabytes, hashes, maxDepth: 10 }));
    const missed = 151 - found.states;
    t.true(missed > 20);
    t.true(Math.abs(found.omitted - missed) < 0.25 * missed, `${found.omitted} for ${missed}`);
    const share = Math.floor((found.states / (found.states + found.omitted)) * 10_000) / 100;
    t.is(found.cut, `bitstate: at most about ${share}% of the states seen`);
  });

test('what lies behind the missed ones is missed as well: the share is no more than the estimate', (t) => {
  const design = increments(6);
  const { states } = plain(design);
  for (const kilobytes of [0.5, 2, 8]) {
    const found = inBits(design, { megabytes: kilobytes * KILOBYTE, hashes: 2 });
    t.true(found.states / states < found.states / (found.states + found.omitted));
  }
});

test('with fewer than one omission in the mean, it says how likely there was none', (t) => {
  const found = inBits(increments(6), { megabytes: 0.25, hashes: 3 });
  t.true(found.omitted > 0.01 && found.omitted < 0.5);
  const probability = Math.floor(Math.exp(-found.omitted) * 10_000) / 100;
  t.is(found.cut, `bitstate: all states seen, with a probability of ${probability}%`);
});

test('so many states fill so much of the table, and so likely is a new one taken for a seen one', (t) => {
  const { states, fill, falselySeen } = inBits(increments(6), { megabytes: 16 * KILOBYTE, hashes: 2 });
  // Each bit stays unset with a probability of (1 - 1/m)^(kn).
  const expected = 1 - (1 - 1 / (16 * 1024 * 8)) ** (2 * states);
  t.true(Math.abs(fill - expected) < 0.05 * expected);
  t.is(falselySeen, fill ** 2);
});

test('a search that is stopped at a depth says so, and does not look beyond', (t) => {
  const design = increments(3);
  t.is(inBits(design).depth, 6);
  t.is(inBits(design, { maxDepth: 6 }).cut, 'bitstate: all states seen, with a probability of 99.99%');
  const short = inBits(design, { maxDepth: 5 });
  t.is(short.depth, 5);
  t.is(short.cut, 'bitstate: what lies beyond a depth of 5 steps was not looked into');
  t.deepEqual(faultsOf(inBits(design)), ['invariant cells.x "x is small" does not hold']);
  t.deepEqual(faultsOf(short), []);
});

test('threads that loop are gone along until nothing is new', (t) => {
  function* spin({ x }: Cells): Operation {
    yield* loop(null, function* () {
      return (yield* load(x)) === 0 ? again(null) : undefined;
    });
  }
  function* raise({ x }: Cells): Operation {
    yield* store(x, 1);
  }
  const design = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(spin, o.cells)], b: [call(spin, o.cells)], c: [call(raise, o.cells)] }),
    expect: [],
  });
  t.is(inBits(design).states, 5);
});

test('what was to be reached is reached, and one who stops it is heard', (t) => {
  t.deepEqual(inBits(increments(2)).sometimes, [{ name: 'an update is lost', reached: true }]);
  const design = increments(6);
  const search = bitstate(new Program(design), design, { megabytes: 1, hashes: 3, maxDepth: 100 });
  let turn = search.next();
  t.false(turn.done);
  turn = search.next('interrupted');
  t.true(turn.done && turn.value.cut === 'interrupted');
});

test('a table of no size, or of none bits to a state, is refused', (t) => {
  for (const options of [{ megabytes: 0 }, { megabytes: 513 }, { hashes: 0 }, { hashes: 1.5 }])
    t.throws(() => inBits(increments(2), options), { instanceOf: RangeError });
});
