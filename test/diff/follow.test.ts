import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { diff } from '../../src/diff/diff.ts';
import { call, type Scenario, variant } from '../../src/index.ts';
import { designs } from '../helpers/designs.ts';
import { samples } from '../reporters/samples.ts';
import { type Cells, cells, increment, scenarioOf } from '../helpers/tiny.ts';

const options = { maxStates: 100_000, threads: new Map<string, string>() };

const replayedOf = async (scenario: Scenario, a: string, b: string) => {
  const { replayed } = await diff(scenario, a, b, options);
  const [only] = replayed;
  if (only === undefined || replayed.length > 1) throw new RangeError(`${replayed.length} runs`);
  return only;
};

test('the run that loses an update ends under a lock where the other thread has to wait for it', async (t) => {
  // Bare: a loads, b loads and stores, a stores.
  const { same, extra, leftOut, first, left, found } = await replayedOf(designs, 'bare', 'locked');
  t.deepEqual([same, extra, leftOut], [1, 1, 0]);
  t.deepEqual(first, {
    why: 'other step',
    step: 1,
    here: { thread: 'a', says: 'cells->x', function: 'increment' },
    there: { thread: 'a', says: 'mutex_lock(&cells->m)', function: 'locked_increment', heldBy: [] },
  });
  t.deepEqual(left, {
    why: 'waits',
    step: 2,
    here: { thread: 'b', says: 'cells->x', function: 'increment' },
    there: { thread: 'b', says: 'mutex_lock(&cells->m)', function: 'locked_increment', heldBy: ['a'] },
  });
  t.deepEqual(found, []);
});

test('a design followed in itself goes the whole way, and to the same finding', async (t) => {
  const { same, first, left, found, finding } = await replayedOf(designs, 'bare', 'bare');
  t.is(same, 4);
  t.is(first, null);
  t.is(left, null);
  t.deepEqual(
    found.map(({ id }) => id),
    [finding.id],
  );
});

function* peeks(cells: Cells): Operation<number> {
  yield* load(cells.y);
  return yield* increment(cells);
}
function* blind({ x }: Cells): Operation<number> {
  yield* store(x, 1);
  return 0;
}
function* elsewhere({ z }: Cells): Operation<number> {
  yield* store(z, 1);
  return 0;
}
const two = (operation: (cells: Cells) => Operation<number>, names: readonly [string, string] = ['a', 'b']) =>
  variant({
    objects: { cells },
    threads: ({ cells }) => Object.fromEntries(names.map((name) => [name, [call(operation, cells)]])),
    atEnd: { 'both are counted': ({ cells }) => cells.x.value === 2 },
    expect: [{ kind: 'end-state', object: 'cells.x' }],
  });
const kin = scenarioOf({
  bare: two(increment),
  peeks: two(peeks),
  blind: two(blind),
  elsewhere: two(elsewhere),
  renamed: two(increment, ['c', 'd']),
});

test('steps that only the other design takes are taken on the way', async (t) => {
  const { same, extra, leftOut, left, found } = await replayedOf(kin, 'bare', 'peeks');
  t.deepEqual([same, extra, leftOut], [4, 2, 0]);
  t.is(left, null);
  t.is(found.length, 1);
});

test('steps that the other design does not take are left out', async (t) => {
  const { same, extra, leftOut, first, left } = await replayedOf(kin, 'bare', 'blind');
  t.deepEqual([same, extra, leftOut], [2, 0, 2]);
  t.is(first?.there?.says, 'cells->x = 1');
  t.is(left, null);
});

test('where a thread never does what the counterexample wants, the run is left there', async (t) => {
  const { same, left } = await replayedOf(kin, 'bare', 'elsewhere');
  t.is(same, 0);
  t.is(left?.why, 'other step');
  t.is(left?.there?.says, 'cells->z = 1');
});

test('where the thread has another name, the run is left at its first step, and it is said why', async (t) => {
  const { same, left } = await replayedOf(kin, 'bare', 'renamed');
  t.is(same, 0);
  t.is(left?.why, 'no such thread');
  t.is(left?.there, null);
  const { replayed } = await diff(kin, 'bare', 'renamed', {
    ...options,
    threads: new Map([
      ['a', 'c'],
      ['b', 'd'],
    ]),
  });
  t.is(replayed[0]?.left, null);
});

test('every counterexample, followed in its own design, goes the whole way and to its own finding', async (t) => {
  for (const variant of Object.keys(samples.variants)) {
    const { replayed } = await diff(samples, variant, variant, options);
    // What has calls left out is a run of another design; what never ends shows only when it goes round.
    const whole = replayed.filter(({ finding }) => finding.without.length === 0 && finding.loopFrom === null);
    for (const { same, first, left, found, finding } of whole) {
      t.is(same, finding.trace?.steps.length ?? 0, `${variant}: ${finding.message}`);
      t.deepEqual([first, left], [null, null], variant);
      t.true(
        found.some(({ id }) => id === finding.id),
        `${variant}: ${finding.message}`,
      );
    }
  }
});
