/** The search within a preemption bound, and the count of traces within one. */
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { again, kfree, loop, type Operation, WARN_ON } from '../../actors/step.ts';
import { atomic_cmpxchg, atomic_dec_and_test, atomic_inc } from '../../actors/sync/atomic.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { boundedSearch } from '../../src/explore/bounded-search.ts';
import { countPreemptions } from '../../src/explore/best-search.ts';
import { countTraces } from '../../src/explore/trace-count.ts';
import { VisitedSet } from '../../src/explore/visited-set.ts';
import { type Call, call, type Variant, variant } from '../../src/index.ts';
import type { Fault } from '../../src/explore/judge.ts';
import { Program } from '../../src/tables/program.ts';
import { allSchedules } from '../helpers/all-schedules.ts';
import { randomVariants } from '../helpers/random-program.ts';
import { faultsOf, finish, lineOf, plain, waysLead } from '../helpers/searches.ts';

const memory = globals('memory', {
  x: field<number>(0),
  y: field<number>(0),
  z: field<number>(0),
  n: atomic(0),
  io: atomic(1),
  m: mutex(),
  l: mutex(),
});
type Memory = HandleTo<typeof memory>;

const bounded = (design: Variant, preemptions: number, maxStates = 100_000) =>
  finish(boundedSearch(new Program(design), design, { preemptions, maxStates }));
const traces = (design: Variant, preemptions: number, maxStates = 1_000_000) =>
  finish(countTraces(new Program(design), design, { preemptions, maxStates }));

const program = (threads: (memory: Memory) => { readonly [name: string]: readonly Call[] }): Variant =>
  variant({ objects: { memory }, threads: ({ memory: handles }) => threads(handles), expect: [] });
const alike = (count: number, call: (memory: Memory, i: number) => Call): Variant =>
  program((m) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, [call(m, i)]])));

const choose = (n: number, k: number): number => (k < 0 || k > n ? 0 : k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);

/** Schedules of two threads of m and n steps with at most k preemptions: of b blocks in turn, b - 2 begin with one. */
function schedulesWithin(k: number, m: number, n: number): number {
  let count = 0;
  for (let blocks = 2; blocks <= k + 2; blocks++) {
    const [more, fewer] = [Math.ceil(blocks / 2), Math.floor(blocks / 2)];
    // m steps in so many blocks, none of them empty.
    count += choose(m - 1, more - 1) * choose(n - 1, fewer - 1) + choose(m - 1, fewer - 1) * choose(n - 1, more - 1);
  }
  return count;
}

function* store_often(m: Memory, times: number): Operation {
  for (let i = 0; i < times; i++) yield* store(m.x, 0);
}

for (const [m, n] of [
  [1, 1],
  [2, 3],
  [4, 4],
  [1, 5],
] as const)
  test(`two threads of ${m} and ${n} steps that all conflict have as many traces as schedules, for any number of preemptions`, (t) => {
    const design = program((o) => ({ a: [call(store_often, o, m)], b: [call(store_often, o, n)] }));
    for (let k = 0; k <= m + n; k++) t.is(traces(design, k).traces, schedulesWithin(k, m, n));
    t.is(traces(design, Infinity).traces, choose(m + n, m));
  });

test('by hand: 2 and 3 steps have 2 schedules without a preemption, 5 with at most one, 9 with two and 10 in all', (t) => {
  t.deepEqual(
    [0, 1, 2, 3, 4].map((k) => schedulesWithin(k, 2, 3)),
    [2, 5, 9, 10, 10],
  );
});

test('steps that do not conflict are one trace, with all its schedules', (t) => {
  function* store_to(cell: Memory['x']): Operation {
    yield* store(cell, 1);
    yield* store(cell, 2);
  }
  const design = program((o) => ({ a: [call(store_to, o.x)], b: [call(store_to, o.y)], c: [call(store_to, o.z)] }));
  const counted = traces(design, 0);
  t.is(counted.traces, 1);
  // The other schedules begin otherwise, so they are not known to be the same.
  t.is(counted.cut, '0 preemptions');
  t.is(traces(design, 9).cut, null);
});

function* inc({ x }: Memory): Operation {
  yield* store(x, (yield* load(x)) + 1);
}
function* lockinc(o: Memory): Operation {
  yield* mutex_lock(o.m);
  yield* inc(o);
  yield* mutex_unlock(o.m);
}
function* ainc({ n }: Memory): Operation {
  yield* atomic_inc(n);
}
function* cas({ n }: Memory, to: number): Operation {
  yield* atomic_cmpxchg(n, 0, to);
}
function* write({ x }: Memory, value: number): Operation {
  yield* store(x, value);
}
function* read({ x }: Memory, times: number): Operation {
  for (let i = 0; i < times; i++) yield* load(x);
}

// Published with GenMC's preemption-bounded exploration.
for (const [threads, within] of [
  [2, [2, 4]],
  [3, [6, 24, 36]],
  [4, [24, 168, 432, 576]],
] as const)
  test(`inc(${threads}) has ${within.join(', ')} traces with at most 0, 1, 2 … preemptions`, (t) => {
    const design = alike(threads, (o) => call(inc, o));
    const all = traces(design, Infinity);
    t.deepEqual(all.byPreemptions.slice(0, within.length), [...within]);
    t.is(all.traces, within.at(-1) as number);
    t.is(all.cut, null);
    for (const [k, count] of within.entries()) t.is(traces(design, k).traces, count);
  });

for (const [name, design, count] of [
  ['ainc(4)', alike(4, (o) => call(ainc, o)), 24],
  ['lockinc(4)', alike(4, (o) => call(lockinc, o)), 24],
  ['cas(4)', alike(4, (o, i) => call(cas, o, i + 1)), 4],
  [
    'hairbrush_teeth(3, 2, 3)',
    program((o) => ({
      w: [call(write, o, 1), call(write, o, 2), call(write, o, 3)],
      a: [call(read, o, 3)],
      b: [call(read, o, 3)],
    })),
    400,
  ],
  [
    'difficult_readers',
    program((o) => ({ a: [call(write, o, 1)], b: [call(write, o, 2)], c: [call(read, o, 1)], d: [call(read, o, 1)] })),
    18,
  ],
  ['two writes of one value', program((o) => ({ a: [call(write, o, 1)], b: [call(write, o, 1)] })), 2],
] as const)
  test(`${name} has ${count} traces`, (t) => {
    t.is(traces(design, Infinity).traces, count);
  });

test('what is not said to freed memory conflicts with nothing', (t) => {
  const device = struct('device', { n: field<number>(0) });
  type Device = HandleTo<typeof device>;
  function* free(d: Device): Operation {
    yield* kfree(d);
  }
  function* look({ n }: Device): Operation {
    yield* load(n);
  }
  function* put({ n }: Device): Operation {
    yield* store(n, 1);
  }
  const design = variant({
    objects: { d: device },
    threads: ({ d }) => ({ a: [call(free, d)], b: [call(look, d)], c: [call(put, d)] }),
    expect: [],
  });
  // Each of b and c comes before or after the free; only where both come before is there an order between them.
  t.is(traces(design, Infinity).traces, 5);
});

/** Two deposits under a lock, and who reads both flags sees a balance that nobody meant. */
const account = variant({
  objects: { memory },
  threads: ({ memory: o }) => ({
    deposit: [call(move, o, 2, o.y)],
    withdraw: [call(move, o, -4, o.z)],
    check: [call(balance, o)],
  }),
  start: { 'memory.x': { value: 1 } },
  expect: [],
});
function* move(o: Memory, by: number, flag: Memory['y']): Operation {
  yield* mutex_lock(o.m);
  yield* store(o.x, (yield* load(o.x)) + by);
  yield* store(flag, 1);
  yield* mutex_unlock(o.m);
}
function* balance(o: Memory): Operation {
  yield* mutex_lock(o.m);
  const both = (yield* load(o.y)) === 1 && (yield* load(o.z)) === 1;
  yield* WARN_ON(both && (yield* load(o.x)) !== -5, 'the balance is off');
  yield* mutex_unlock(o.m);
}

/** x: stopping; y: the event that nobody uses it any more; z: stopped. */
const bluetooth = program((o) => ({ stop: [call(stop, o)], add: [call(add, o)] }));
function* stop(o: Memory): Operation {
  yield* store(o.x, 1);
  if (yield* atomic_dec_and_test(o.io)) yield* store(o.y, 1);
  if ((yield* load(o.y)) === 1) yield* store(o.z, 1);
}
function* add(o: Memory): Operation {
  if ((yield* load(o.x)) === 0) {
    yield* atomic_inc(o.io);
    yield* WARN_ON((yield* load(o.z)) === 1, 'used after it was stopped');
  }
  // The original lets go of what it did not get, too.
  if (yield* atomic_dec_and_test(o.io)) yield* store(o.y, 1);
}

const wronglock = program((o) => ({ right: [call(count_twice, o)], wrong: [call(count_once, o)] }));
function* count_twice(o: Memory): Operation {
  yield* mutex_lock(o.m);
  const x = yield* load(o.x);
  yield* inc(o);
  yield* WARN_ON((yield* load(o.x)) !== x + 1, 'somebody counted in between');
  yield* mutex_unlock(o.m);
}
function* count_once(o: Memory): Operation {
  yield* mutex_lock(o.l);
  yield* inc(o);
  yield* mutex_unlock(o.l);
}

for (const [name, design, preemptions, count] of [
  ['account', account, 0, 6],
  ['bluetooth', bluetooth, 1, 10],
  ['wronglock', wronglock, 1, 7],
] as const)
  test(`the bug of ${name}, of ${count} traces, is met with ${preemptions} preemptions and not with fewer, as published`, (t) => {
    for (let k = 0; k < preemptions; k++) {
      const { sightings, cut, within } = bounded(design, k);
      t.deepEqual(sightings, []);
      t.is(cut, `${k} preemptions`);
      t.is(within, k);
    }
    const found = bounded(design, preemptions);
    t.is(found.sightings.length, 1);
    t.is(countPreemptions(found.program, found.sightings[0]?.way() ?? []), preemptions);
    waysLead(t, found);
    t.is(traces(design, Infinity).traces, count);
  });

/** The reader is preempted before it looks, and the writer between its writes: one of the two for free. */
const blink = program((o) => ({ reader: [call(look_late, o)], writer: [call(raise_and_lower, o)] }));
function* look_late({ x, y }: Memory): Operation {
  yield* store(y, 1);
  yield* WARN_ON((yield* load(x)) === 1, 'the flag is up');
}
function* raise_and_lower({ x }: Memory): Operation {
  yield* store(x, 1);
  yield* store(x, 0);
}

/** The search of the same schedules, each state gone on from once, by whoever comes to it first. */
function byStateAlone(design: Variant, preemptions: number): boolean {
  const tables = new Program(design);
  const visited = new VisitedSet(tables.width);
  let queue: { state: Int32Array; last: number | null; step: number | null }[] = [];
  queue.push({ state: tables.initial(), last: null, step: null });
  let found = false;
  for (let round = 0; round <= preemptions; round++) {
    const later: typeof queue = [];
    for (const { state, last, step } of queue) {
      const couldGoOn = last !== null && tables.anyEnabled(state, last);
      for (let thread = 0; thread < tables.threads; thread++) {
        if (step !== null && step !== thread) continue;
        if (step === null && couldGoOn && thread !== last) {
          later.push({ state, last, step: thread });
          continue;
        }
        const next = state.slice();
        if (!tables.anyEnabled(state, thread)) continue;
        tables.choose(state, { thread, way: 0 }, next);
        found ||= tables.raised.length > 0;
        if (visited.add(next) < 0) queue.push({ state: next, last: thread, step: null });
      }
    }
    queue = later;
  }
  return found;
}

test('the key is the state and the last thread: by the state alone a bug inside the bound is missed', (t) => {
  // Both orders of the first two steps lead to one state. With the writer last its second write is free, and the flag
  // is down when the reader looks; with the reader last it looks at once.
  t.is(bounded(blink, 0).sightings.length, 0);
  t.is(bounded(blink, 1).sightings.length, 1);
  t.false(byStateAlone(blink, 1));
  t.true(byStateAlone(blink, 2));
});

function* store_each({ x }: Memory, from: number, times: number): Operation {
  for (let i = 0; i < times; i++) yield* store(x, from + i);
}
function* spell({ y }: Memory, times: number): Operation {
  for (let i = 0; i < times; i++) yield* store(y, 1 + i);
}

test('without a preemption two threads reach the rim of the grid of their steps, with one the whole of it', (t) => {
  const design = program((o) => ({ a: [call(store_each, o, 1, 3)], b: [call(spell, o, 4)] }));
  // (i, j) with i of 3 and j of 4 steps done: on the rim one of them has not begun or has ended.
  t.is(bounded(design, 0).states, 2 * (3 + 4));
  t.is(bounded(design, 0).cut, '0 preemptions');
  t.is(bounded(design, 1).states, (3 + 1) * (4 + 1));
  // There is no other state and from none another step, so nothing is left for a bigger bound.
  t.is(bounded(design, 1).cut, null);
  t.is(bounded(design, 1).within, Infinity);
  t.is(bounded(design, 0).depth, 7);
});

test('to leave a thread that waits or has ended is no preemption', (t) => {
  function* lock_both(first: Memory['m'], second: Memory['m']): Operation {
    yield* mutex_lock(first);
    yield* mutex_lock(second);
  }
  // a takes m and is preempted; b takes l and waits for m; a waits for l.
  const design = program((o) => ({ a: [call(lock_both, o.m, o.l)], b: [call(lock_both, o.l, o.m)] }));
  // The locks are kept, so without a preemption one waits for what nobody will do.
  t.deepEqual(faultsOf(bounded(design, 0)).length, 4);
  const found = bounded(design, 1);
  t.deepEqual(faultsOf(found), faultsOf(plain(design)));
  t.is(faultsOf(found).length, 5);
  waysLead(t, found);
});

test('a search that is stopped says which preemptions it was done with', (t) => {
  const design = alike(4, (o) => call(inc, o));
  const all = bounded(design, Infinity);
  const some = bounded(design, 3, bounded(design, 1).states);
  t.is(all.cut, null);
  t.is(some.cut, `${bounded(design, 1).states} states`);
  t.is(some.within, 1);
  t.is(bounded(design, 3, 2).within, -1);

  const many = alike(5, (o) => call(inc, o));
  const search = boundedSearch(new Program(many), many, { preemptions: 9, maxStates: 100_000 });
  let turn = search.next();
  while (!turn.done) turn = search.next('interrupted');
  t.is(turn.value.cut, 'interrupted');
  t.true(turn.value.states < bounded(many, 9).states);
});

test('a search that stored its last state and was stopped before it was judged is no exhaustive one', (t) => {
  // One thread, three states; what is wrong at the end shows in the third.
  const design = variant({
    objects: { memory },
    threads: ({ memory: o }) => ({ a: [call(inc, o)] }),
    atEnd: { 'nothing was counted': ({ memory: o }) => o.x.value === 0 },
    expect: [],
  });
  t.is(bounded(design, 9, 2).cut, '2 states');
  t.deepEqual(bounded(design, 9, 2).sightings, []);
  t.is(bounded(design, 9, 3).cut, null);
  t.is(bounded(design, 9, 3).sightings.length, 1);
});

test('a bound that no schedule keeps is refused', (t) => {
  for (const bad of [-1, Number.NaN]) t.throws(() => bounded(blink, bad), { instanceOf: RangeError });
});

test('threads that loop are searched to the end, and their traces, of which there is no end, are cut', (t) => {
  function* spin({ x }: Memory): Operation {
    yield* loop(null, function* () {
      return (yield* load(x)) === 0 ? again(null) : undefined;
    });
  }
  const design = program((o) => ({ a: [call(spin, o)], b: [call(write, o, 1)] }));
  // The writer goes first, or never: the spinner can always go on. That shows every state, and every step from each.
  t.is(bounded(design, 0).cut, null);
  t.is(bounded(design, 0).states, plain(design).states);
  t.is(traces(design, 1, 50).cut, '50 states');
});

testProp(
  'within any bound the faults, and whether they can come first, are those of every schedule with so many preemptions',
  [randomVariants],
  (t, design) => {
    const all = allSchedules(design, 3000);
    fc.pre(all !== null);
    for (let k = 0; k <= 3; k++) {
      const found = bounded(design, k);
      t.deepEqual(faultsOf(found), all.faults(k));
      waysLead(t, found);
      if (found.cut === null) t.deepEqual(all.faults(k), all.faults(Infinity));
    }
    const found = bounded(design, Infinity);
    const searched = plain(design);
    t.is(found.cut, null);
    t.is(found.states, searched.states);
    t.deepEqual(faultsOf(found), faultsOf(searched));
    t.deepEqual(found.sometimes, searched.sometimes);
    for (const sighting of found.sightings) {
      const line = lineOf(found.judge.faults[sighting.fault] as Fault, sighting.primary);
      // It is there with as many preemptions as its way has, and with fewer it is not.
      const k = countPreemptions(found.program, sighting.way());
      t.true(all.faults(k).includes(line));
      if (sighting.primary) t.false(all.faults(k - 1).includes(line));
    }
  },
  { numRuns: 40 },
);

testProp(
  'within any bound the traces are those of every schedule with so many preemptions',
  [randomVariants],
  (t, design) => {
    const all = allSchedules(design, 1000);
    fc.pre(all !== null);
    for (let k = 0; k <= 3; k++) {
      const counted = traces(design, k);
      t.is(counted.traces, all.traces(k));
      t.deepEqual(faultsOf(counted), all.faults(k));
      t.deepEqual(
        counted.byPreemptions,
        counted.byPreemptions.map((_, i) => all.traces(i)),
      );
    }
    t.is(traces(design, Infinity).traces, all.traces(Infinity));
  },
  { numRuns: 40 },
);
