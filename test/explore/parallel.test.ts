/** One search over several threads is the search by one, in everything that it gives back. */
import type { Worker } from 'node:worker_threads';
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { assign } from 'xstate';
import { type Message, message, type Operation, oneOf, send } from '../../actors/step.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { globals, type Handle, type HandleTo, part, type Protocol, setupObject } from '../../machines/object.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { exploreInParallel, type InParallel, type ParallelOptions } from '../../src/explore/parallel/parallel-search.ts';
import { WorkerPool } from '../../src/explore/parallel/worker-pool.ts';
import { type Explored, explore } from '../../src/explore/plain-search.ts';
import { exploreReduced } from '../../src/explore/reduced-search.ts';
import { call, task, type Variant, variant } from '../../src/index.ts';
import { ModelError } from '../../src/model/errors.ts';
import { Program } from '../../src/tables/program.ts';
import refcountReadSet from '../../scenarios/register-rfc/refcount-read-set.ts';
import { type Fields, machineOf, type Table, tables } from '../helpers/random-machines.ts';

const pool = new WorkerPool();
test.after.always(() => pool.end());

function byOne(design: Variant, reduced: boolean, maxStates: number): Explored {
  const program = new Program(design);
  const search = reduced ? exploreReduced(program, design, { maxStates }) : explore(program, design, { maxStates });
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

async function byMany(design: Variant, options: ParallelOptions, maxStates: number): Promise<InParallel> {
  const search = exploreInParallel(new Program(design), design, { maxStates }, { pool, sharedFrom: 1, ...options });
  for (let turn = await search.next(); ; turn = await search.next(null)) if (turn.done) return turn.value;
}

/** A state in the words of the model: threads learn numbers for them in an order of their own. */
const inWords = (program: Program, state: Int32Array): string =>
  JSON.stringify([
    program.world.threads.map((_, thread) => program.position(state, thread).key),
    program.world.slots.map(({ index }) => program.snapshot(state, index).context),
    program.isTainted(state),
  ]);

/** Everything that a search gives back, in lines: many states are quicker compared as text. */
const told = (explored: Explored): readonly string[] =>
  Object.entries(partsOf(explored)).flatMap(([part, said]) =>
    Array.isArray(said) ? said.map((one, i) => `${part} ${i}: ${JSON.stringify(one)}`) : [`${part}: ${JSON.stringify(said)}`],
  );

function partsOf(explored: Explored) {
  const { program, judge, visited, reads, sightings, sometimes, states, steps, depth, cut, estimate } = explored;
  const state = new Int32Array(program.width);
  const sample = Math.ceil(states / 400);
  return {
    // Of many, some: the ways to them go through the others.
    states: Array.from({ length: Math.ceil(states / sample) }, (_, i) => {
      visited.get(i * sample, state);
      return [visited.numberOf(state), inWords(program, state), i % 10 === 0 ? explored.pathTo(i * sample) : null];
    }),
    steps,
    depth,
    cut,
    estimate,
    sometimes,
    passes: (explored as { passes?: number }).passes ?? 1,
    faults: judge.faults,
    reachedEnd: judge.reachedEnd,
    reads: [upwards(reads.always), [...reads.sometimes].map(([name, places]) => [name, upwards(places)])],
    sightings: sightings.map((sighting) => ({ ...sighting, way: sighting.way() })),
  };
}

const upwards = (places: ReadonlySet<number>): readonly number[] => [...places].toSorted((a, b) => a - b);

function areEqual(t: ExecutionContext, actual: readonly string[], expected: readonly string[], message?: string) {
  const first = Math.max(
    0,
    expected.findIndex((line, i) => line !== actual[i]),
  );
  t.is(actual[first], expected[first], message);
  t.is(actual.length, expected.length, message);
}

async function isTheSame(t: ExecutionContext, design: Variant, maxStates = 100_000, workers: readonly number[] = [1, 2, 3]) {
  for (const reduced of [false, true]) {
    const expected = told(byOne(design, reduced, maxStates));
    for (const count of workers) {
      const explored = await byMany(design, { workers: count, reduced }, maxStates);
      t.is(explored.workers, count);
      areEqual(t, told(explored), expected, `${count} workers${reduced ? ', reduced' : ''}`);
    }
  }
}

const VALUES = 4;
const EVENTS = 3;

const table = tables({ values: VALUES, events: EVENTS, quiet: 5, goesOn: 4 });

const objectsOf = (tables: readonly Table[]) =>
  globals('o', {
    ...Object.fromEntries(
      tables.map((rows, i) => [`o${i}`, part<Protocol, object>(machineOf(i, rows) as never, { low: 0, high: 0 })]),
    ),
    lock: mutex(),
  });
type Random = HandleTo<ReturnType<typeof objectsOf>>;

/** Says something to one object, or to both at once, in one way or in either of two; or takes or gives up the lock. */
interface Say {
  readonly object: number;
  readonly event: number;
  readonly also: number | null;
}
type Instruction = readonly [Say] | readonly [Say, Say] | 'lock' | 'unlock';
const say: fc.Arbitrary<Say> = fc.record({
  object: fc.nat(1),
  event: fc.nat(EVENTS - 1),
  also: fc.option(fc.nat(EVENTS - 1), { freq: 1 }),
});
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(say) },
  { weight: 1, arbitrary: fc.tuple(say, say) },
  { weight: 1, arbitrary: fc.constantFrom('lock' as const, 'unlock' as const) },
);

const messagesOf = (o: Random, { object, event, also }: Say): readonly [Message, ...Message[]] => {
  const at = (i: number) => (o as unknown as Record<string, Handle<Protocol>>)[`o${i}`] as Handle<Protocol>;
  const first = message('update', at(object), `e${event}`);
  return also === null ? [first] : [first, message('update', at(1 - object), `e${also}`)];
};

function* obey(o: Random, now: Instruction): Operation<unknown> {
  const lock = (o as unknown as { lock: Parameters<typeof mutex_lock>[0] }).lock;
  if (now === 'lock') return yield* mutex_lock(lock);
  if (now === 'unlock') return yield* mutex_unlock(lock);
  const [first, second] = now;
  if (second === undefined) return yield* send<number>(...messagesOf(o, first));
  return (yield* oneOf({ a: messagesOf(o, first), b: messagesOf(o, second) })).reply;
}

function* play(o: Random, code: readonly Instruction[]): Operation {
  for (let pc = 0; pc < code.length; pc++) if ((yield* obey(o, code[pc] as Instruction)) === 1) pc++;
}

interface Case {
  readonly tables: readonly Table[];
  readonly threads: readonly (readonly Instruction[])[];
  /** The first thread never ends. */
  readonly forever: boolean;
}
const cases: fc.Arbitrary<Case> = fc.record({
  tables: fc.tuple(table, table),
  threads: fc.array(fc.array(instruction, { minLength: 2, maxLength: 5 }), { minLength: 2, maxLength: 4 }),
  forever: fc.boolean(),
});

interface View {
  readonly o: { readonly o0: Fields; readonly o1: Fields };
  readonly blocked: (thread: string) => boolean;
  readonly ended: (thread: string) => boolean;
}
const ask = (predicate: (view: View) => boolean) => predicate as (view: never) => boolean;

const variantOf = ({ tables, threads, forever }: Case): Variant => ({
  ...variant({
    objects: { o: objectsOf(tables) },
    threads: ({ o }) =>
      Object.fromEntries(threads.map((code, t) => [`t${t}`, task([call(play, o, code)], { forever: forever && t === 0 })])),
    expect: [],
  }),
  always: {
    'not both high': ask(({ o }) => !(o.o0.high === 1 && o.o1.high === 1)),
    'not low while t1 waits': ask(({ o, blocked }) => !(o.o0.low === 1 && o.o1.low === 1 && blocked('t1'))),
  },
  sometimes: {
    'one is high, the other is low': ask(({ o }) => o.o0.high === 1 && o.o1.low === 1),
    't0 waits': ask(({ blocked }) => blocked('t0')),
    't1 has ended before t0': ask(({ ended }) => ended('t1') && !ended('t0')),
  },
  atEnd: { 'low at the end': ask(({ o }) => o.o1.low === 1) },
});

testProp(
  'generated programs over generated machines: the same states under the same numbers, findings, reads and ways',
  [cases],
  (t, program) => isTheSame(t, variantOf(program)),
  { numRuns: Number(process.env['PARALLEL_RUNS'] ?? 25), endOnFailure: true },
);

testProp(
  'where the search is cut, it is cut where a search by one is',
  [cases, fc.integer({ min: 1, max: 60 })],
  (t, program, maxStates) => isTheSame(t, variantOf(program), maxStates, [2]),
  { numRuns: Number(process.env['PARALLEL_RUNS'] ?? 25), endOnFailure: true },
);

test('a shipped scenario of 19,052 states', async (t) => {
  const design = refcountReadSet.variants['rfc'] as Variant;
  const alone = byOne(design, false, 100_000);
  t.is(alone.states, 19_052);
  for (const workers of [1, 3]) areEqual(t, told(await byMany(design, { workers, sharedFrom: 50 }, 100_000)), told(alone));
});

const counter = globals('counter', {
  n: part<Protocol, object>(
    setupObject<{ readonly n: number }, Protocol>().createMachine({
      id: 'counter',
      context: ({ input }: { input: object }) => input,
      on: {
        count: { actions: assign({ n: ({ context }: { context: { n: number } }) => context.n + 1 }) },
        clear: { actions: assign({ n: 0 }) },
      },
    } as never) as never,
    { n: 0 },
    { range: (context) => (context as { n: number }).n < 6 },
  ),
});

function* count({ n }: HandleTo<typeof counter>, times: number): Operation {
  for (let i = 0; i < times; i++) yield* send(message('update', n, 'count'));
}

function* countAndClear(it: HandleTo<typeof counter>, times: number): Operation {
  yield* count(it, times);
  yield* send(message('update', it.n, 'clear'));
}

/** Each counts within the range of the machine; only together they leave it. */
const tooMany = variant({
  objects: { counter },
  threads: (o) => ({ a: [call(countAndClear, o.counter, 4)], b: [call(countAndClear, o.counter, 4)] }),
  expect: [],
});

const counters = (threads: number, times: number): Variant =>
  variant({
    objects: { counter },
    threads: (o) => Object.fromEntries(Array.from({ length: threads }, (_, i) => [`t${i}`, [call(count, o.counter, times)]])),
    expect: [],
  });

test('what a machine must not do is complained of as it is alone', async (t) => {
  const complaint = t.throws(() => byOne(tooMany, false, 1000), { instanceOf: ModelError, message: /leaves its declared range/ });
  for (const workers of [1, 2]) {
    const same = await t.throwsAsync(byMany(tooMany, { workers }, 1000), { instanceOf: ModelError });
    t.is(same?.message, complaint?.message);
    t.is(same?.next, complaint?.next);
  }
});

test('so is a predicate that throws, but only in the state in which it would be asked', async (t) => {
  const asks = (name: 'always' | 'sometimes', from: number): Variant => ({
    ...counters(2, 2),
    [name]: {
      picky: (({ counter: { n } }: { counter: { n: { n: number } } }) => {
        if (n.n > from) throw new Error(`not ${n.n}`);
        return n.n === 2 || name === 'always';
      }) as (view: never) => boolean,
    },
  });
  for (const reduced of [false, true]) {
    for (const design of [asks('always', 2), asks('sometimes', 1)]) {
      const complaint = t.throws(() => byOne(design, reduced, 1000), { instanceOf: ModelError });
      const same = await t.throwsAsync(byMany(design, { workers: 2, reduced }, 1000), { instanceOf: ModelError });
      t.is(same?.message, complaint?.message);
    }
    // Once it has been reached, nobody asks for it any more.
    areEqual(
      t,
      told(await byMany(asks('sometimes', 2), { workers: 2, reduced }, 1000)),
      told(byOne(asks('sometimes', 2), reduced, 1000)),
    );
  }
});

/** All threads that anybody takes while something is done. */
async function threadsOf(act: () => Promise<void>): Promise<readonly Worker[]> {
  const taken: Worker[] = [];
  const take = Object.getOwnPropertyDescriptor(WorkerPool.prototype, 'take')?.value as WorkerPool['take'];
  WorkerPool.prototype.take = function (...listeners) {
    const worker = take.apply(this, listeners);
    taken.push(worker);
    return worker;
  };
  try {
    await act();
  } finally {
    WorkerPool.prototype.take = take;
  }
  return taken;
}
const hasEnded = ({ threadId }: Worker): boolean => threadId === -1;

test.serial('who stops the search is told how far it came, and no thread stays behind', async (t) => {
  const design = refcountReadSet.variants['rfc'] as Variant;
  const threads = await threadsOf(async () => {
    const search = exploreInParallel(new Program(design), design, { maxStates: 100_000 }, { workers: 2, sharedFrom: 50 });
    t.false((await search.next()).done);
    const end = await search.next('interrupted');
    t.true(end.done);
    const explored = end.value as InParallel;
    t.is(explored.cut, 'interrupted');
    t.true(explored.states < 19_052);
    // It is a beginning of what the whole search would have met.
    const whole = byOne(design, false, 100_000);
    t.true(explored.steps < whole.steps);
    const last = explored.states - 1;
    t.deepEqual(explored.pathTo(last), whole.pathTo(last));
  });
  t.is(threads.length, 2);
  t.true(threads.every(hasEnded));
});

test.serial('nor does one stay where the search is given up, comes to an error, or ends', async (t) => {
  const design = refcountReadSet.variants['rfc'] as Variant;
  const limits = { maxStates: 100_000 };
  const givenUp = await threadsOf(async () => {
    const search = exploreInParallel(new Program(design), design, limits, { workers: 2, sharedFrom: 1, pool });
    await search.next();
    await search.return(undefined as never);
  });
  t.is(givenUp.length, 2);
  const faulty = await threadsOf(async () => {
    await t.throwsAsync(byMany(tooMany, { workers: 3 }, 1000), { instanceOf: ModelError });
  });
  t.is(faulty.length, 3);
  t.true(faulty.every(hasEnded));
  const atTheEnd = await threadsOf(async () => {
    const search = exploreInParallel(new Program(counters(2, 2)), counters(2, 2), limits, { workers: 2, sharedFrom: 1 });
    t.true((await search.next()).done);
  });
  t.is(atTheEnd.length, 2);
  t.true(atTheEnd.every(hasEnded));
});

test.serial('threads of a pool help one search after the other, until the pool ends', async (t) => {
  const own = new WorkerPool();
  const design = counters(2, 2);
  const first = await threadsOf(async () => void (await byMany(design, { workers: 2, pool: own }, 1000)));
  const second = await threadsOf(async () => void (await byMany(design, { workers: 2, pool: own }, 1000)));
  t.is(first.length, 2);
  t.true(second.length === 2 && second.every((worker) => first.includes(worker)));
  t.false(first.some(hasEnded));
  await own.end();
  t.true(first.every(hasEnded));
});

class NoThreads extends WorkerPool {
  override take(): never {
    throw new Error('no threads here');
  }
}

test('where no thread can be started it searches alone, and says so', async (t) => {
  const design = refcountReadSet.variants['rfc'] as Variant;
  const explored = await byMany(design, { workers: 2, pool: new NoThreads() }, 100_000);
  t.is(explored.workers, 0);
  t.is(explored.alone, 'no threads here');
  areEqual(t, told(explored), told(byOne(design, false, 100_000)));
});

test('what is not worth sharing is not shared', async (t) => {
  const explored = await byMany(counters(2, 2), { workers: 2, sharedFrom: 100, pool: new NoThreads() }, 1000);
  t.is(explored.alone, null);
  areEqual(t, told(explored), told(byOne(counters(2, 2), false, 1000)));
});
