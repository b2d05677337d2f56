/** What kernel code needs, and what it does not: small programs of which that is known. */
import test from 'ava';
import { kfree, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_dec_and_test, refcount_inc_not_zero } from '../../actors/sync/refcount.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { laboratory } from '../../src/edits/laboratory.ts';
import { loadBearing } from '../../src/edits/load-bearing.ts';
import { scenarioOf } from '../helpers/tiny.ts';

/** Each element with its verdict and the kinds of what is found without it. */
async function verdicts(...designs: readonly Variant[]): Promise<readonly string[]> {
  const variants = Object.fromEntries(designs.map((design, i) => [`v${i}`, design]));
  const { results } = await loadBearing(scenarioOf(variants), laboratory());
  return results.map(({ element, verdict, trials }) => {
    const kinds = trials.flatMap(({ findings }) => findings.map(({ kind, object }) => `${kind} ${object}`));
    return `${element.says}: ${verdict}${kinds.length === 0 ? '' : ` (${[...new Set(kinds)].join(', ')})`}`;
  });
}

const counter = globals('counter', { x: field<number>(0), m: mutex(), n: mutex(), gate: mutex() });
type Counter = HandleTo<typeof counter>;

/** Two locks, of which one would do, around accesses that are marked, so that all that can go wrong is the count. */
function* count({ x, m, n }: Counter): Operation {
  yield* mutex_lock(m);
  yield* mutex_lock(n);
  yield* WRITE_ONCE(x, (yield* READ_ONCE(x)) + 1);
  yield* mutex_unlock(n);
  yield* mutex_unlock(m);
}

function* count_under_one_lock({ x, m }: Counter): Operation {
  yield* mutex_lock(m);
  yield* WRITE_ONCE(x, (yield* READ_ONCE(x)) + 1);
  yield* mutex_unlock(m);
}

const counting = (operation: (counter: Counter) => Operation): Variant =>
  variant({
    objects: { counter },
    threads: ({ counter }) => ({ a: [call(operation, counter)], b: [call(operation, counter)] }),
    atEnd: { 'both have counted': ({ counter: { x } }) => x.value === 2 },
    expect: [],
  });

test('the one lock of a counter is needed, and no shorter section will do', async (t) => {
  t.deepEqual(await verdicts(counting(count_under_one_lock)), [
    'without mutex_lock(&counter.m) in count_under_one_lock(): load-bearing (end-state counter.x)',
    'mutex_lock(&counter.m) only after READ_ONCE(counter.x) in count_under_one_lock(): load-bearing (end-state counter.x)',
    'mutex_unlock(&counter.m) already before WRITE_ONCE(counter.x, 1) in count_under_one_lock(): load-bearing (end-state counter.x)',
  ]);
});

test('of two locks around it neither is needed', async (t) => {
  const all = await verdicts(counting(count));
  t.true(all.includes('without mutex_lock(&counter.m) in count(): unneeded'));
  t.true(all.includes('without mutex_lock(&counter.n) in count(): unneeded'));
});

function* count_alike(counter: Counter): Operation {
  yield* mutex_lock(counter.gate);
  yield* count(counter);
  yield* mutex_unlock(counter.gate);
}
function* count_as_well({ x, m, n, gate }: Counter): Operation {
  yield* mutex_lock(gate);
  yield* mutex_lock(m);
  yield* mutex_lock(n);
  yield* WRITE_ONCE(x, (yield* READ_ONCE(x)) + 1);
  yield* mutex_unlock(n);
  yield* mutex_unlock(m);
  yield* mutex_unlock(gate);
}

test('an order of locks that a lock validator would warn of is something new, though it never deadlocks', async (t) => {
  const design = variant({
    objects: { counter },
    threads: ({ counter }) => ({ a: [call(count_alike, counter)], b: [call(count_as_well, counter)] }),
    expect: [],
  });
  const swapped = 'mutex_lock(&counter.m) only after mutex_lock(&counter.n) in count_as_well()';
  t.true(
    (await verdicts(design)).includes(`${swapped}: load-bearing (lock-order counter.m)`),
    (await verdicts(design)).join('; '),
  );
});

test('what one variant does not need another may', async (t) => {
  const alone = { ...counting(count_under_one_lock), threads: { a: { ...counting(count_under_one_lock).threads['a'] } } };
  const without = 'without mutex_lock(&counter.m) in count_under_one_lock()';
  const ending = { atEnd: { 'it has counted': () => true } };
  t.is((await verdicts({ ...alone, ...ending } as Variant))[0], `${without}: unneeded`);
  t.is(
    (await verdicts({ ...alone, ...ending } as Variant, counting(count_under_one_lock)))[0],
    `${without}: load-bearing (end-state counter.x)`,
  );
});

test('where the scenario asks for whole operations, a lock is needed for what no order of them gives', async (t) => {
  function* first_user({ x, m }: Counter): Operation<boolean> {
    yield* mutex_lock(m);
    const isFirst = (yield* READ_ONCE(x)) === 0;
    if (isFirst) yield* WRITE_ONCE(x, 1);
    yield* mutex_unlock(m);
    return isFirst;
  }
  const asks = (serialisable: Pick<Variant, 'serialisable'>) => ({
    ...variant({
      objects: { counter },
      threads: ({ counter }) => ({ a: [call(first_user, counter)], b: [call(first_user, counter)] }),
      expect: [],
    }),
    ...serialisable,
  });
  const without = 'without mutex_lock(&counter.m) in first_user()';
  t.regex((await verdicts(asks({ serialisable: ['counter.x'] })))[0] ?? '', /: load-bearing \(non-serialisable/);
  t.is((await verdicts(asks({ serialisable: null })))[0], `${without}: unneeded`);
});

const device = struct('device', { users: refcount(1), data: field<number>(0) });
const list = globals('list', { lock: mutex(), has: field<boolean>(true) });
type Device = HandleTo<typeof device>;
type List = HandleTo<typeof list>;

function* put(device: Device): Operation {
  if (yield* refcount_dec_and_test(device.users)) yield* kfree(device);
}

function* open({ lock, has }: List, device: Device): Operation<number> {
  yield* mutex_lock(lock);
  const found = yield* load(has);
  if (found) yield* refcount_inc_not_zero(device.users);
  yield* mutex_unlock(lock);
  if (!found) return -19;
  yield* READ_ONCE(device.data);
  yield* put(device);
  return 0;
}

function* remove({ lock, has }: List, device: Device): Operation {
  yield* mutex_lock(lock);
  yield* store(has, false);
  yield* mutex_unlock(lock);
  yield* put(device);
}

const lookup = variant({
  objects: { device, list },
  threads: ({ device, list }) => ({ user: [call(open, list, device)], driver: [call(remove, list, device)] }),
  leaks: { device: ({ device: { freed } }) => (freed ? 0 : 1) },
  expect: [],
});

test('a reference that is not taken is a use after free, and one that is not put is a leak', async (t) => {
  const all = await verdicts(lookup);
  const of = (says: string) => all.find((one) => one.startsWith(says));
  t.regex(of('without refcount_inc_not_zero(&device->users) in open()') ?? '', /load-bearing \(.*use-after-free device/);
  t.is(
    of('without refcount_dec_and_test(&device->users) in put()'),
    'without refcount_dec_and_test(&device->users) in put(): load-bearing (leak device)',
  );
  t.regex(of('without mutex_lock(&list.lock) in open()') ?? '', /load-bearing \(.*use-after-free device/);
  t.regex(of('with list.has in open() always true') ?? '', /load-bearing \(.*use-after-free device/);
  t.is(of('with list.has in open() always false'), 'with list.has in open() always false: unneeded');
});

const box = globals('box', { data: field<number>(0), ready: field<boolean>(false), done: completion(), sem: rwsem() });
type Box = HandleTo<typeof box>;

function* publish({ data, ready }: Box): Operation {
  yield* WRITE_ONCE(data, 1);
  yield* WRITE_ONCE(ready, true);
}

function* consume({ data, ready }: Box): Operation<number> {
  return (yield* READ_ONCE(ready)) ? yield* READ_ONCE(data) : 1;
}

test('what is published before it is ready is found out', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ writer: [call(publish, box)], reader: [call(consume, box)] }),
    always: { 'ready means that there is data': ({ box: { data, ready } }) => !ready.value || data.value === 1 },
    expect: [],
  });
  const all = await verdicts(design);
  t.is(
    all.find((one) => one.includes('before WRITE_ONCE(box.data, 1)')),
    'with WRITE_ONCE(box.ready, true) before WRITE_ONCE(box.data, 1) in publish(): load-bearing (invariant box.data)',
  );
});

function* produce({ data, done }: Box): Operation {
  yield* WRITE_ONCE(data, 1);
  yield* complete(done);
}

function* await_it({ data, done }: Box): Operation<number> {
  yield* wait_for_completion(done);
  return yield* READ_ONCE(data);
}

test('without the wake-up the waiter hangs; without the wait nobody may notice', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ writer: [call(produce, box)], reader: [call(await_it, box)] }),
    sometimes: { 'the reader waits': ({ blocked }) => blocked('reader') },
    expect: [],
  });
  const all = await verdicts(design);
  t.true(all.includes('without complete(&box.done) in produce(): load-bearing (deadlock box.done)'));
  t.true(all.includes('without wait_for_completion(&box.done) in await_it(): unreached'));
});

function* writes({ data, sem }: Box): Operation {
  yield* down_write(sem);
  yield* store(data, (yield* load(data)) + 1);
  yield* up_write(sem);
}

function* reads({ data, sem }: Box): Operation<number> {
  yield* down_read(sem);
  const seen = yield* load(data);
  yield* up_read(sem);
  return seen;
}

test('a lock that only keeps plain accesses apart is needed for them: without it there is a data race', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ writer: [call(writes, box)], reader: [call(reads, box)] }),
    expect: [],
  });
  t.deepEqual(await verdicts(design), [
    'without down_write(&box.sem) in writes(): load-bearing (data-race box.data)',
    'without down_read(&box.sem) in reads(): load-bearing (data-race box.data)',
    'down_write(&box.sem) only after box.data in writes(): unneeded',
    'down_read(&box.sem) only after box.data in reads(): load-bearing (data-race box.data)',
    'up_write(&box.sem) already before box.data = 1 in writes(): load-bearing (data-race box.data)',
    'up_read(&box.sem) already before box.data in reads(): load-bearing (data-race box.data)',
  ]);
});

test('a section without which there is no program is not tried', async (t) => {
  function* takes({ m }: Counter): Operation {
    yield* mutex_lock(m);
  }
  function* gives({ m, x }: Counter): Operation {
    yield* store(x, 1);
    yield* mutex_unlock(m);
  }
  const design = variant({
    objects: { counter },
    threads: ({ counter }) => ({ a: [call(takes, counter), call(gives, counter)] }),
    expect: [],
  });
  const all = await verdicts(design);
  t.true(all.includes('without mutex_lock(&counter.m) in takes(): untried'));
});
