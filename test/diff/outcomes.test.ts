import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { store } from '../../actors/sync/memory.ts';
import { type HandleTo, pool, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { kfree, kzalloc } from '../../actors/step.ts';
import { diff } from '../../src/diff/diff.ts';
import { call, local, type Scenario, task, variant } from '../../src/index.ts';
import { designs } from '../helpers/designs.ts';
import { type Cells, cells, scenarioOf } from '../helpers/tiny.ts';

const options = { maxStates: 100_000, threads: new Map<string, string>() };

const outcomesOf = async (scenario: Scenario, a: string, b: string, threads = options.threads) => {
  const { outcomes } = await diff(scenario, a, b, { ...options, threads });
  if (typeof outcomes === 'string') throw new TypeError(outcomes);
  return outcomes;
};

/** In a line each: what differs, here and in the nearest of the other. */
const linesOf = (only: Awaited<ReturnType<typeof outcomesOf>>['only'][0]): readonly string[] =>
  only.map(({ place, here, there, outcomes }) => `${place}: ${here}, not ${there} (${outcomes})`);

test('without its lock a counter has three outcomes, of which the lock leaves two', async (t) => {
  // By hand: (0, 1, x = 2) and (1, 0, x = 2) one after the other, and (0, 0, x = 1) where both have read before either writes.
  const { counts, only } = await outcomesOf(designs, 'unasked', 'locked');
  t.deepEqual(counts, { a: 3, b: 2, both: 2 });
  t.deepEqual(linesOf(only[0]), ['b.increment() / locked_increment(): 0, not 1 (1)']);
  t.deepEqual(only[1], []);
});

test('an end that is wrong is an outcome; what comes after a finding is none', async (t) => {
  const wrongAtEnd = await outcomesOf(designs, 'bare', 'locked');
  t.deepEqual(wrongAtEnd.counts, { a: 3, b: 2, both: 2 });
  const wrongBefore = await outcomesOf(designs, 'watched', 'locked');
  t.deepEqual(wrongBefore.counts, { a: 2, b: 2, both: 2 });
});

test('a design against itself differs in nothing', async (t) => {
  const { counts, only, neverAlike, notCompared } = await outcomesOf(designs, 'unasked', 'unasked');
  t.deepEqual(counts, { a: 3, b: 3, both: 3 });
  t.deepEqual(only, [[], []]);
  t.deepEqual(neverAlike, []);
  t.deepEqual(notCompared, [[], []]);
});

test('each outcome that only one design has comes with a schedule that leads there', async (t) => {
  const { schedules } = await outcomesOf(designs, 'unasked', 'locked');
  t.deepEqual(
    schedules[0].map(({ runs }) => runs.map(({ thread, steps, last }) => `${thread} ${steps} ${last}`)),
    [['a 1 load(cells.x)', 'b 1 load(cells.x)', 'a 1 store(cells.x)', 'b 1 store(cells.x)']],
  );
});

const entry = struct('entry', { n: field<number>(0) });
const other = struct('other', { n: field<number>(0) });
type Entry = HandleTo<typeof entry>;
const made = local<Entry | number>('made');

function* make(from: Entry, n: number): Operation<Entry> {
  const it = yield* kzalloc(from);
  yield* store(it.n, n);
  return it;
}
function* say(cells: Cells, n: number): Operation<number> {
  yield* store(cells.y, n);
  return n;
}
function* hush(cells: Cells): Operation {
  yield* store(cells.y, 1);
}
function* free(it: Entry): Operation {
  yield* kfree(it);
}

const shapes = scenarioOf({
  pooled: variant({
    objects: { cells, it: pool(entry), mine: other },
    threads: ({ it }) => ({ maker: [call(make, it, 1).into(made)] }),
    expect: [],
  }),
  single: variant({
    objects: { cells, it: entry },
    threads: ({ cells }) => ({ maker: [call(say, cells, 0).into(made)], freer: [] }),
    expect: [],
  }),
  freed: variant({
    objects: { cells, it: entry },
    threads: ({ it }) => ({ maker: [call(free, it)] }),
    expect: [],
  }),
  says: variant({ objects: { cells }, threads: ({ cells }) => ({ old: [call(say, cells, 1)] }), expect: [] }),
  'says-more': variant({ objects: { cells }, threads: ({ cells }) => ({ fresh: [call(say, cells, 2)] }), expect: [] }),
  hushed: variant({ objects: { cells }, threads: ({ cells }) => ({ old: [call(hush, cells)] }), expect: [] }),
  endless: variant({
    objects: { cells },
    threads: ({ cells }) => ({ old: task([call(hush, cells)], { forever: true }) }),
    expect: [],
  }),
});

test('the one of a pool is the same as the one that was there before, and a pointer is a pointer', async (t) => {
  const { compared, neverAlike, notCompared } = await outcomesOf(shapes, 'pooled', 'single');
  t.true(compared.some(({ name }) => name === 'it'));
  t.deepEqual(
    neverAlike.map(({ place, values }) => `${place}: ${values.map((each) => each.join()).join(' / ')}`),
    ['maker.make() / say(): a pointer / 0', 'it.n: 1 / 0'],
  );
  t.deepEqual(notCompared, [['mine', 'mine.n'], []]);
});

test('what lies in memory that is gone is no difference', async (t) => {
  const { neverAlike } = await outcomesOf(shapes, 'single', 'freed');
  t.deepEqual(
    neverAlike.map(({ place, values }) => `${place}: ${values.map((each) => each.join()).join(' / ')}`),
    ['it: live / freed'],
  );
});

test('a call that returns nothing in one design is compared by whether it is made', async (t) => {
  const { counts, neverAlike } = await outcomesOf(shapes, 'says', 'hushed');
  t.deepEqual(counts, { a: 1, b: 1, both: 1 });
  t.deepEqual(neverAlike, []);
});

test('threads of other names are compared where it is said who stands for whom', async (t) => {
  const strange = await diff(shapes, 'says', 'says-more', options);
  t.deepEqual(strange.strangers, ['old']);
  const { notCompared } = await outcomesOf(shapes, 'says', 'says-more');
  t.deepEqual(notCompared, [['old.say()'], ['fresh.say()']]);
  const told = await outcomesOf(shapes, 'says', 'says-more', new Map([['old', 'fresh']]));
  t.true(told.neverAlike.some(({ place }) => place === 'old.say() / fresh.say()'));
});

test('a thread that is none is refused, with what is near', async (t) => {
  const error = await t.throwsAsync(diff(shapes, 'says', 'says-more', { ...options, threads: new Map([['odl', 'fresh']]) }));
  t.is(error?.message, 'Variant "says" has no thread "odl"');
});

test('where a task goes on for ever there are no outcomes, and it is said why', async (t) => {
  const { outcomes, serial } = await diff(shapes, 'says', 'endless', options);
  t.is(outcomes, 'in endless the task old goes on for ever, so no run is ever over');
  t.is(serial, null);
});

test('a lost update comes of no order of whole calls, and under a lock everything does', async (t) => {
  const bare = await diff(designs, 'locked', 'unasked', options);
  t.deepEqual(
    bare.serial?.findings.map(({ kind, object }) => `${kind} ${object}`),
    ['non-serialisable cells.x'],
  );
  const locked = await diff(designs, 'unasked', 'locked', options);
  t.deepEqual(locked.serial?.findings, []);
  t.is(locked.serial?.verdict.outcomes, 2);
});
