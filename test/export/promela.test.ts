/** Spin on the exported model: as many states, ends and deadlocks as the search, and the same complaints. */
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { assign } from 'xstate';
import { again, choose, kfree, loop, type Message, message, type Operation, oneOf, send, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_inc } from '../../actors/sync/refcount.ts';
import { globals, type Handle, type HandleTo, part, type Protocol, setupObject, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import refcountReadSet from '../../scenarios/register-rfc/refcount-read-set.ts';
import unregisterWhileOpen from '../../scenarios/register-rfc/unregister-while-open.ts';
import { type Explored, explore } from '../../src/explore/plain-search.ts';
import { type Observed, observe } from '../../src/export/observed.ts';
import { type Promela, promela } from '../../src/export/promela.ts';
import { call, daemon, local, ModelError, task, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { cells, increment, locked_increment, write } from '../helpers/tiny.ts';
import { askSpin, missing } from './spin.ts';

function search(design: Variant, maxStates = 50_000): Explored {
  const turns = explore(new Program(design), design, { maxStates });
  for (let turn = turns.next(); ; turn = turns.next(null)) if (turn.done) return turn.value;
}

const exportOf = (design: Variant): { explored: Explored; observed: Observed; model: Promela } => {
  const explored = search(design);
  const observed = observe(explored, design);
  return { explored, observed, model: promela(observed, { name: 'test', file: 'model.pml' }) };
};

/** Counted from the states alone: in how many nobody moves, and in how many of them a task waits, or a daemon for a kept lock. */
function endsOf({ program, visited }: Explored): { readonly ends: number; readonly deadlocks: number } {
  const state = new Int32Array(program.width);
  let ends = 0;
  let deadlocks = 0;
  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    if (!program.isTerminal(state)) continue;
    ends++;
    const all = program.world.threads.map((_, thread) => program.position(state, thread));
    const kept = all.flatMap(({ held }) => held.map(({ object }) => object));
    const hangs = ({ thread, status, acquires }: (typeof all)[number]) =>
      status === 'running' &&
      (program.world.threads[thread]?.kind === 'task' || (acquires !== null && kept.includes(acquires.object)));
    if (all.some(hangs)) deadlocks++;
  }
  return { ends, deadlocks };
}

/** What nothing came before, but for deadlocks, which are no assertions. */
const complaintsOf = ({ judge, sightings }: Explored): readonly number[] =>
  sightings.filter(({ primary, fault }) => primary && judge.faults[fault]?.kind !== 'deadlock').map(({ fault }) => fault);

const inOrder = (ids: readonly (number | undefined)[]) => ids.toSorted((a, b) => Number(a) - Number(b));

async function agrees(t: ExecutionContext, design: Variant, asked: Parameters<typeof askSpin>[1] = {}) {
  const { explored, model } = exportOf(design);
  const spin = await askSpin(model.text, asked);
  const { ends, deadlocks } = endsOf(explored);
  const ours = { states: explored.states, ends: spin.ends === null ? null : ends, deadlocks };
  t.deepEqual({ states: spin.states, ends: spin.ends, deadlocks: spin.deadlocks }, ours);
  const complaints = spin.violated.map((n) => model.findings[n - 1]?.id);
  t.deepEqual(inOrder(complaints), inOrder(complaintsOf(explored)));
  return { explored, model, spin };
}

const withSpin = (name: string, body: (t: ExecutionContext) => Promise<void>): void => {
  if (missing === null) test(name, body);
  else test.skip(`${name} (without ${missing} there is nobody to ask)`, body);
};

const values = [local<number>('t0'), local<number>('t1')] as const;
const two = (operation: typeof increment) =>
  variant({
    objects: { cells },
    threads: (o) => ({
      a: [call(operation, o.cells).into(values[0])],
      b: [call(operation, o.cells).into(values[1])],
    }),
    always: { 'x stays below 2': ({ cells: { x } }) => x.value < 2 },
    atEnd: { 'no update is lost': ({ cells: { x } }) => x.value === 2 },
    leaks: { cells: ({ cells: { x } }) => (x.value === 1 ? 1 : 0) },
    expect: [],
  });

withSpin(
  'two threads that read x and write it back have 13 states, and Spin misses the lost update as the search does',
  async (t) => {
    const { spin, model } = await agrees(t, two(increment));
    // The end without a lost update is wrong already, as x is 2 there.
    t.deepEqual({ ...spin, violated: spin.violated.length }, { states: 13, ends: 3, deadlocks: 0, violated: 3 });
    t.deepEqual(model.findings.map(({ kind }) => kind).toSorted(), ['end-state', 'invariant', 'leak']);
  },
);

withSpin('under a lock they have 17, and what must hold at the end does', async (t) => {
  const { spin } = await agrees(t, two(locked_increment));
  t.deepEqual({ ...spin, violated: spin.violated.length }, { states: 17, ends: 2, deadlocks: 0, violated: 1 });
});

const forks = struct('forks', { f0: mutex(), f1: mutex(), f2: mutex() });
function* dine(left: Handle<Protocol>, right: Handle<Protocol>): Operation {
  yield* mutex_lock(left as never);
  yield* mutex_lock(right as never);
  yield* mutex_unlock(right as never);
  yield* mutex_unlock(left as never);
}

withSpin('three philosophers have 87 states, and one of their two ends is a deadlock', async (t) => {
  const { spin } = await agrees(
    t,
    variant({
      objects: { forks },
      threads: ({ forks: { f0, f1, f2 } }) => ({
        p0: [call(dine, f0, f1)],
        p1: [call(dine, f1, f2)],
        p2: [call(dine, f2, f0)],
      }),
      expect: [],
    }),
  );
  t.deepEqual(spin, { states: 87, ends: 2, deadlocks: 1, violated: [] });
});

const shop = struct('shop', { lock: mutex(), work: completion(), n: field<number>(0), users: refcount(1) });
type Shop = HandleTo<typeof shop>;

function* take_twice({ lock }: Shop): Operation {
  yield* mutex_lock(lock);
  yield* mutex_lock(lock);
}
function* order({ work, n }: Shop): Operation {
  yield* store(n, 1);
  yield* complete(work);
}
function* serve({ work, lock, n }: Shop): Operation {
  yield* wait_for_completion(work);
  yield* mutex_lock(lock);
  yield* load(n);
  yield* mutex_unlock(lock);
}
function* keep({ lock }: Shop): Operation {
  yield* mutex_lock(lock);
}
function* close(shop: Shop): Operation {
  yield* kfree(shop);
}
function* use({ users }: Shop): Operation {
  yield* refcount_inc(users);
}
function* poll({ n }: Shop): Operation {
  yield* loop(0, function* () {
    return (yield* load(n)) === 0 ? again(0) : 0;
  });
}
function* warn_if_busy({ lock }: Shop): Operation {
  const isFree = yield* mutex_trylock(lock);
  yield* WARN_ON(!isFree, 'the lock is taken');
  if (isFree) yield* mutex_unlock(lock);
}
function* visit({ lock }: Shop): Operation {
  yield* mutex_lock(lock);
  yield* mutex_unlock(lock);
}
function* may_fail({ n }: Shop): Operation {
  if ((yield* choose('kzalloc', 'ok', 'fails')) === 'fails') yield* store(n, 2);
}

const programs: { readonly [name: string]: Variant } = {
  'a thread that waits for itself, and what comes after it': variant({
    objects: { shop },
    threads: (o) => ({ a: [call(take_twice, o.shop)], b: [call(order, o.shop)], c: [call(keep, o.shop)] }),
    expect: [],
  }),
  'a daemon that may be left where it waits for work': variant({
    objects: { shop },
    threads: (o) => ({ user: [call(order, o.shop)], worker: daemon([call(serve, o.shop)], { forever: true }) }),
    expect: [],
  }),
  'a daemon that must not be left where it waits for a lock that a task has kept': variant({
    objects: { shop },
    threads: (o) => ({
      user: [call(order, o.shop), call(keep, o.shop)],
      worker: daemon([call(serve, o.shop)], { forever: true }),
    }),
    atEnd: { 'something is ordered': ({ shop: { n } }) => n.value === 1 },
    expect: [],
  }),
  'a use after free, which stops the thread, and a put below 0': variant({
    objects: { shop },
    threads: (o) => ({ a: [call(use, o.shop)], b: [call(close, o.shop)], c: [call(use, o.shop), call(order, o.shop)] }),
    expect: [],
  }),
  'a warning of which nothing is left but that it came': variant({
    objects: { shop },
    threads: (o) => ({ a: [call(visit, o.shop)], b: [call(warn_if_busy, o.shop)] }),
    expect: [],
  }),
  'a loop that polls': variant({
    objects: { shop },
    threads: (o) => ({ poller: [call(poll, o.shop)], user: [call(order, o.shop)] }),
    always: { 'the poller ends last': ({ ended, next }) => !ended('poller') || next('user') === 'complete' },
    expect: [],
  }),
  'a choice of the environment, by a thread that goes on for ever': variant({
    objects: { shop, cells },
    threads: (o) => ({ a: task([call(may_fail, o.shop)], { forever: true }), b: [call(write, o.cells.x, 1)] }),
    expect: [],
  }),
};
for (const [name, design] of Object.entries(programs))
  withSpin(`Spin agrees on ${name}`, async (t) => void (await agrees(t, design)));

withSpin('Spin agrees on shipped scenarios, one clean and two not', async (t) => {
  const clean = await agrees(t, refcountReadSet.variants['merged-two-probes'] as Variant);
  t.deepEqual(clean.spin, { states: 103, ends: 2, deadlocks: 0, violated: [] });
  const broken = await agrees(t, refcountReadSet.variants['merged-two-registrars'] as Variant);
  t.true(broken.spin.violated.length > 0);
  const stuck = await agrees(t, unregisterWhileOpen.variants['rfc-group-kept'] as Variant);
  t.true(stuck.spin.deadlocks > 0);
});

withSpin('with its own reduction Spin stores no more states, and says the same', async (t) => {
  const { model, explored } = exportOf(refcountReadSet.variants['merged-two-registrars'] as Variant);
  const [all, reduced] = await Promise.all([askSpin(model.text), askSpin(model.text, { reduced: true })]);
  t.true(reduced.states <= explored.states);
  t.deepEqual({ ...reduced, states: 0 }, { ...all, states: 0 });
});

test('what cannot be exported is refused, with what to do', (t) => {
  const design = two(increment);
  const cut = t.throws(() => observe(search(design, 5), design), { instanceOf: ModelError });
  t.regex(cut.message, /cut at 5 states: the tables are not complete/);
  const asks = (test: (view: { readonly blocked: (thread: string) => boolean }) => boolean): Variant => ({
    ...design,
    always: { asks: test },
  });
  const blocked = asks(({ blocked: is }) => !is('b'));
  const lock = two(locked_increment);
  t.throws(() => observe(search({ ...lock, always: blocked.always }), { ...lock, always: blocked.always }), {
    message: /"asks" asks for more than parts/,
  });
  const never = asks(() => false);
  t.throws(() => observe(search(never), never), { message: /in the state in which the scenario begins/ });
});

test('names that C and Promela have taken already, and comments in names, do no harm', (t) => {
  const linux = struct('linux', { end: field<number>(0), 'a/*b': field<number>(0) });
  const { model } = exportOf(
    variant({
      objects: { linux },
      threads: (o) => ({ unix: [call(write, o.linux.end, 1)], 'timeout*/': [call(write, o.linux['a/*b'], 1)] }),
      expect: [],
    }),
  );
  t.regex(model.text, /^byte linux_end = 0;$/m);
  t.regex(model.text, /^active proctype thread_timeout\(\)/m);
  const outside = model.text.replaceAll(/\/\*[^]*?\*\//g, '');
  t.false(/\*\/|\/\*/.test(outside));
});

/** Objects with four values, whose answers are drawn: what an event makes of each value, or that it waits. */
type Effect = { readonly to: number; readonly reply: number; readonly splat: 'none' | 'warn' | 'oops' } | null;
const effect: fc.Arbitrary<Effect> = fc.option(
  fc.record({
    to: fc.nat(3),
    reply: fc.nat(1),
    splat: fc.oneof(
      { weight: 10, arbitrary: fc.constant('none' as const) },
      { weight: 1, arbitrary: fc.constantFrom('warn' as const, 'oops' as const) },
    ),
  }),
  { freq: 3 },
);
const table = fc.array(fc.array(effect, { minLength: 4, maxLength: 4 }), { minLength: 3, maxLength: 3 });
type Table = typeof table extends fc.Arbitrary<infer T> ? T : never;

function partFrom(index: number, rows: Table) {
  const on = rows.map((row, event) =>
    row.flatMap((one, value) => {
      if (one === null) return [];
      const guard = ({ context }: { context: { n: number } }) => context.n === value;
      const complaint = {
        kind: 'warn',
        text: `o${index} e${event}`,
        prints: 'WARNING',
        ...(one.splat === 'oops' ? { stops: true } : {}),
      };
      const says = one.splat === 'none' ? [] : [{ type: 'splat', params: complaint }];
      return [{ guard, actions: [{ type: 'answer', params: { value: one.reply } }, ...says, assign({ n: one.to })] }];
    }),
  );
  const config = {
    id: `drawn${index}`,
    context: ({ input }: { input: object }) => input,
    on: Object.fromEntries(on.map((transitions, event) => [`e${event}`, transitions])),
  };
  const machine = setupObject<{ n: number }, Protocol>().createMachine(config as never);
  return part<Protocol, { n: number }>(machine as never, { n: 0 });
}

const say = fc.record({
  object: fc.nat(1),
  event: fc.nat(2),
  also: fc.option(fc.nat(2), { freq: 2 }),
  means: fc.constantFrom('update' as const, 'update' as const, 'acquire' as const, 'release' as const),
});
const code = fc.array(fc.oneof({ weight: 4, arbitrary: fc.tuple(say) }, { weight: 1, arbitrary: fc.tuple(say, say) }), {
  minLength: 1,
  maxLength: 4,
});
type Code = typeof code extends fc.Arbitrary<infer T> ? T : never;

function* play(objects: readonly Handle<Protocol>[], steps: Code): Operation<number> {
  let sum = 0;
  for (let pc = 0; pc < steps.length; pc++) {
    const messages = (steps[pc] as Code[number]).map(({ object, event, also, means }): readonly [Message, ...Message[]] => {
      const first = message(means, objects[object] as Handle<Protocol>, `e${event}`);
      return also === null ? [first] : [first, message('update', objects[1 - object] as Handle<Protocol>, `e${also}`)];
    });
    const [first, second] = messages as [(typeof messages)[number], (typeof messages)[number]?];
    const reply = second === undefined ? yield* send<number>(...first) : (yield* oneOf({ a: first, b: second })).reply;
    if (reply === 1) {
      sum++;
      pc++;
    }
  }
  return sum;
}

const threads = fc.array(
  fc.record({ code, kind: fc.constantFrom('task' as const, 'task' as const, 'daemon' as const), forever: fc.boolean() }),
  { minLength: 2, maxLength: 3 },
);
const drawn = fc.record({ tables: fc.tuple(table, table), threads, never: fc.integer({ min: 1, max: 3 }) });
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

function variantOf({ tables, threads: all, never }: Drawn): Variant {
  const o = globals('o', { o0: partFrom(0, tables[0]), o1: partFrom(1, tables[1]) });
  const [sum] = values;
  return variant({
    objects: { o },
    threads: (named) =>
      Object.fromEntries(
        all.map(({ code: steps, kind, forever }, i) => {
          const calls = [call(play, [named.o.o0, named.o.o1], steps)].map((one) => (i === 0 ? one.into(sum) : one));
          return [`t${i}`, (kind === 'task' ? task : daemon)(calls, { forever })];
        }),
      ),
    always: { 'o0 is never that': ({ o: { o0 } }) => (o0 as unknown as { n: number }).n !== never },
    atEnd: { 'the first thread was told an even number of times': ({ result }) => (result(sum) ?? 0) % 2 === 0 },
    expect: [],
  });
}

const MOST_DRAWN = 2000;

/** Some are refused: a place that is a good end for a daemon in one state, and none in another. */
function isExportable(design: Variant): boolean {
  try {
    exportOf(design);
    return true;
  } catch (error) {
    if (error instanceof ModelError) return false;
    throw error;
  }
}

// By twos, as a compiler keeps one processor busy.
(missing === null ? testProp : testProp.skip)(
  `Spin agrees on drawn programs over drawn objects${missing === null ? '' : ` (without ${missing} nobody can be asked)`}`,
  [fc.tuple(drawn, drawn)],
  async (t, both) => {
    const designs = both.map(variantOf);
    // Who takes locks for ever without letting go stands somewhere else each time.
    fc.pre(designs.every((design) => search(design, MOST_DRAWN).cut === null && isExportable(design)));
    await Promise.all(designs.map((design) => agrees(t, design, { ends: false })));
  },
  { numRuns: Number(process.env['SPIN_RUNS'] ?? 15) },
);

withSpin('an end that is wrong in itself: what must hold at the end is not asserted there, as it is a consequence', async (t) => {
  const stays = { to: 0, reply: 1, splat: 'none' } as const;
  const rises = { to: 1, reply: 0, splat: 'none' } as const;
  const tables: Drawn['tables'] = [
    [never, [rises, null, null, null], never],
    [[stays, null, null, null], never, never],
  ];
  const both: Drawn['threads'][number]['code'][number] = [{ object: 1, event: 0, also: 1, means: 'update' }];
  const design = variantOf({ tables, threads: [{ code: [both], kind: 'task', forever: false }], never: 1 });
  const { explored } = await agrees(t, design, { ends: false });
  t.deepEqual(
    explored.sightings.map(({ fault, primary }) => [explored.judge.faults[fault]?.kind, primary]),
    [
      ['invariant', true],
      ['end-state', false],
    ],
  );
});

const never = [null, null, null, null];
