import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import {
  atomic,
  atomic_dec,
  atomic_inc,
  type HandleTo,
  idr,
  idr_alloc,
  idr_remove,
  kfree,
  kzalloc,
  list_add,
  list_del,
  list_head,
  list_node,
  mutex,
  type Operation,
  pool,
  refcount,
  refcount_dec_and_mutex_lock,
  refcount_dec_and_test,
  refcount_inc,
  refcount_inc_not_zero,
  refcount_set,
  struct,
} from '../../actors/primitives.ts';
import { given } from '../../src/live/strategies/given.ts';
import { type Call, call, LiveRun, variant } from '../../src/index.ts';
import { type Account, accountsOf, type Origin, unfreedOf } from '../../src/trace/ledger.ts';
import type { Trace } from '../../src/trace/trace.ts';

const thing = struct('thing', {
  lock: mutex(),
  refs: refcount(1),
  users: atomic(0),
  list: list_head(),
  entry: list_node(),
  ids: idr(),
});
interface Thing extends HandleTo<typeof thing> {}

function* get(thing: Thing): Operation {
  yield* refcount_inc(thing.refs);
}
function* also_get(thing: Thing): Operation {
  yield* refcount_inc(thing.refs);
}
function* get_twice(thing: Thing): Operation {
  yield* get(thing);
  yield* also_get(thing);
}
function* ask(thing: Thing): Operation {
  yield* refcount_inc_not_zero(thing.refs);
}
function* put(thing: Thing): Operation {
  yield* refcount_dec_and_test(thing.refs);
}
function* get_and_put(thing: Thing): Operation {
  yield* get(thing);
  yield* put(thing);
}
function* set(thing: Thing): Operation {
  yield* refcount_set(thing.refs, 1);
}

type Threads = Readonly<Record<string, readonly Call[]>>;
type Of = (it: { readonly thing: Thing; readonly made: Thing }) => Threads;

/** @param order a letter for each step: the first of the name of its thread */
async function run(order: string, threads: Of, refs = 1): Promise<Trace> {
  const design = variant({
    objects: { thing, made: pool(thing) },
    threads,
    start: { 'thing.refs': { n: refs } },
    expect: [],
  });
  const names = Object.keys(design.threads);
  const choices = Array.from(order, (letter) => ({ thread: names.find((name) => name.startsWith(letter)) ?? '', way: 0 }));
  return new LiveRun(design).run(given(choices));
}

const whence = (of: readonly Origin[]): string => of.map((origin) => origin?.index ?? 'start').join('|');
const linesOf = ({ postings, left, isCertain }: Account): readonly string[] => [
  ...postings.map(
    ({ step, kind, before, after, of }) =>
      `${step.index} ${kind} ${step.thread} ${before}->${after}${of.length === 0 ? '' : ` of ${whence(of)}`}`,
  ),
  `left ${whence(left) || 'nothing'}${isCertain ? '' : ', perhaps'}`,
];

const ledger = async (order: string, threads: Of, { object = 'thing.refs', refs = 1 } = {}): Promise<readonly string[]> =>
  accountsOf(await run(order, threads, refs), object).flatMap(linesOf);

test('a put is of the get of its own call, then of its own thread, then of what was there at the start, then of another', async (t) => {
  t.deepEqual(await ledger('ooaa', ({ thing }) => ({ other: [call(get_and_put, thing)], also: [call(get_and_put, thing)] })), [
    '1 taken other 1->2',
    '2 put other 2->1 of 1',
    '3 taken also 1->2',
    '4 put also 2->1 of 3',
    'left start',
  ]);
  t.deepEqual(await ledger('aba', ({ thing }) => ({ a: [call(get, thing), call(put, thing)], b: [call(put, thing)] })), [
    '1 taken a 1->2',
    '2 put b 2->1 of start',
    '3 put a 1->0 of 1',
    'left nothing',
  ]);
  t.deepEqual(await ledger('abb', ({ thing }) => ({ a: [call(get, thing)], b: [call(put, thing), call(put, thing)] })), [
    '1 taken a 1->2',
    '2 put b 2->1 of start',
    '3 put b 1->0 of 1',
    'left nothing',
  ]);
});

test('where a put can be of several gets that are not alike, the ledger names them and decides nothing', async (t) => {
  t.deepEqual(await ledger('aaa', ({ thing }) => ({ a: [call(get_twice, thing), call(put, thing)] })), [
    '1 taken a 1->2',
    '2 taken a 2->3',
    '3 put a 3->2 of 1|2',
    'left start|1, perhaps',
  ]);
});

test('a get that is refused, and a put of what nobody has taken, are told', async (t) => {
  const lines = await ledger('aaa', ({ thing }) => ({ a: [call(put, thing), call(ask, thing), call(put, thing)] }));
  t.deepEqual(lines, ['1 put a 1->0 of start', '2 refused a 0->0', '3 put a 0->saturated', 'left nothing']);
});

function* put_locked(thing: Thing): Operation {
  yield* refcount_dec_and_mutex_lock(thing.refs, thing.lock);
}

test('a put that leaves the last reference to the next step puts nothing by itself', async (t) => {
  t.deepEqual(await ledger('aaa', ({ thing }) => ({ a: [call(put_locked, thing)] })), ['3 put a 1->0 of start', 'left nothing']);
});

test('a set makes references, or forgets them', async (t) => {
  const threads: Of = ({ thing }) => ({ a: [call(set, thing), call(put, thing)], b: [call(get, thing)] });
  t.deepEqual(await ledger('aa', threads, { refs: 0 }), ['1 set a 0->1', '2 put a 1->0 of 1', 'left nothing']);
  t.deepEqual(await ledger('ba', threads), ['1 taken b 1->2', '2 set a 2->1 of start|1', 'left start, perhaps']);
});

function* add(thing: Thing): Operation {
  yield* list_add(thing.entry, thing.list);
}
function* remove(thing: Thing): Operation {
  yield* list_del(thing.entry, thing.list);
}
function* give_ids(thing: Thing): Operation {
  yield* idr_alloc(thing.ids, thing);
  yield* idr_alloc(thing.ids, thing);
  yield* idr_remove(thing.ids, 0);
}

test('an entry of a list and a number of an idr go out as what they came in', async (t) => {
  t.deepEqual(
    await ledger('ab', ({ thing }) => ({ a: [call(add, thing)], b: [call(remove, thing)] }), { object: 'thing.list' }),
    ['1 taken a 0->1', '2 put b 1->0 of 1', 'left nothing'],
  );
  t.deepEqual(await ledger('aaa', ({ thing }) => ({ a: [call(give_ids, thing)] }), { object: 'thing.ids' }), [
    '1 taken a 0->1',
    '2 taken a 1->2',
    '3 put a 2->1 of 1',
    'left 2',
  ]);
});

test('an object is asked for by the counters in it', async (t) => {
  const trace = await run('ab', ({ thing }) => ({ a: [call(get, thing)], b: [call(add, thing)] }));
  t.deepEqual(
    accountsOf(trace, 'thing').map(({ path }) => path),
    ['thing.refs'],
  );
});

function* make(made: Thing, frees: boolean): Operation {
  const it = yield* kzalloc(made);
  if (frees) yield* kfree(it);
}

test('memory that was allocated and never freed is found, and none that was', async (t) => {
  const trace = await run('abb', ({ made }) => ({ a: [call(make, made, false)], b: [call(make, made, true)] }));
  t.deepEqual(
    unfreedOf(trace, 'made').map(({ thread, index }) => `${thread} ${index}`),
    ['a 1'],
  );
});

function* up(thing: Thing): Operation {
  yield* atomic_inc(thing.users);
}
function* down(thing: Thing): Operation {
  yield* atomic_dec(thing.users);
}

const steps = fc.array(fc.record({ thread: fc.constantFrom('a', 'b', 'c'), isUp: fc.boolean() }), {
  minLength: 1,
  maxLength: 12,
});

testProp(
  'what is left is as many as are counted, however takes and puts come, as long as none is put too often',
  [steps],
  async (t, drawn) => {
    let count = 0;
    const taken = drawn.filter(({ isUp }) => (isUp ? ++count : count > 0 && count--) !== false);
    const callsOf = (name: string) => (thing: Thing) =>
      taken.filter(({ thread }) => thread === name).map(({ isUp }) => call(isUp ? up : down, thing));
    const order = taken.map(({ thread }) => thread).join('');
    const trace = await run(order, ({ thing }) => ({ a: callsOf('a')(thing), b: callsOf('b')(thing), c: callsOf('c')(thing) }));
    const [account] = accountsOf(trace, 'thing.users');
    t.is(account?.left.length ?? 0, count);
    t.is(account?.postings.length ?? 0, taken.length);
  },
);
