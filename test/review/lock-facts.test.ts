import test from 'ava';
import {
  blocking_notifier_call_chain,
  type Callbacks,
  complete,
  completion,
  field,
  globals,
  type HandleTo,
  kzalloc,
  load,
  mutex,
  mutex_lock,
  mutex_trylock,
  mutex_unlock,
  notifier_block,
  notifier_chain,
  type Operation,
  pool,
  rwsem,
  store,
  struct,
  wait_for_completion,
} from '../../actors/primitives.ts';
import { call, variant } from '../../src/index.ts';
import type { LockFacts } from '../../src/review/lock-facts.ts';
import type { Locking } from '../../src/review/locking.ts';
import { type Cells, cells } from '../helpers/tiny.ts';
import { lockingOf } from './learn.ts';

function factsOf({ locks }: Locking, name: string): LockFacts {
  const facts = locks.find(({ lock }) => lock === name);
  if (facts === undefined) throw new Error(`no ${name}`);
  return facts;
}

function* set({ m, x }: Cells): Operation {
  yield* mutex_lock(m);
  yield* store(x, 1);
  yield* mutex_unlock(m);
}

test('a lock is contended in the states in which somebody waits for it', async (t) => {
  const two = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(set, cells)], b: [call(set, cells)] }),
    expect: [],
  });
  const locking = await lockingOf(t, two);
  const { type, shared, taken, contended, mostWaiting, longestChain, chainHolder } = factsOf(locking, 'cells->m');
  // Each thread stands before one of three steps or at its end, and not both inside: 16 less 4. In four, one waits.
  t.is(locking.states, 12);
  t.is(contended, 4);
  t.is(mostWaiting, 1);
  t.deepEqual([type, shared, taken.map((site) => site.function)], ['mutex', false, ['set']]);
  t.deepEqual(longestChain, [{ thread: 'b', function: 'set', waitsFor: 'cells->m' }]);
  t.is(chainHolder, 'a');
});

function* take_m({ m }: Cells): Operation {
  yield* mutex_lock(m);
  yield* mutex_unlock(m);
}
function* take_n_then_m({ m, n }: Cells): Operation {
  yield* mutex_lock(n);
  yield* mutex_lock(m);
  yield* mutex_unlock(m);
  yield* mutex_unlock(n);
}
function* take_n({ n }: Cells): Operation {
  yield* mutex_lock(n);
  yield* mutex_unlock(n);
}

test('a chain of waiters leads from lock to lock to who holds the last and goes on', async (t) => {
  const chain = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(take_m, cells)], b: [call(take_n_then_m, cells)], c: [call(take_n, cells)] }),
    expect: [],
  });
  const locking = await lockingOf(t, chain);
  const n = factsOf(locking, 'cells->n');
  t.deepEqual(n.longestChain, [
    { thread: 'c', function: 'take_n', waitsFor: 'cells->n' },
    { thread: 'b', function: 'take_n_then_m', waitsFor: 'cells->m' },
  ]);
  t.is(n.chainHolder, 'a');
  t.deepEqual(
    locking.order.edges.map(({ outer, inner, sites, threads }) => [outer, inner, sites.map((site) => site.function), threads]),
    [['cells->n', 'cells->m', ['take_n_then_m'], ['b']]],
  );
  t.deepEqual([locking.order.leaves, locking.order.cycles], [['cells->m'], []]);
});

test('three who queue for one lock wait two at a time', async (t) => {
  const three = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(take_m, cells)], b: [call(take_m, cells)], c: [call(take_m, cells)] }),
    expect: [],
  });
  const { mostWaiting, longestChain } = factsOf(await lockingOf(t, three), 'cells->m');
  t.deepEqual([mostWaiting, longestChain?.length], [2, 1]);
});

function* try_m({ m }: Cells): Operation {
  if (yield* mutex_trylock(m)) yield* mutex_unlock(m);
}

test('who tries does not wait', async (t) => {
  const tries = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(try_m, cells)], b: [call(try_m, cells)] }),
    expect: [],
  });
  const { contended, longestChain, taken } = factsOf(await lockingOf(t, tries), 'cells->m');
  t.deepEqual([contended, longestChain, taken.length], [0, null, 1]);
});

function* take_n_inside({ m, n }: Cells): Operation {
  yield* mutex_lock(m);
  yield* mutex_lock(n);
  yield* mutex_unlock(n);
  yield* mutex_unlock(m);
}

test('locks that are taken in both orders are a circle, and none of them is a leaf', async (t) => {
  const abba = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(take_n_inside, cells)], b: [call(take_n_then_m, cells)] }),
    expect: [],
  });
  const { order } = await lockingOf(t, abba);
  t.deepEqual(order.cycles, [['cells->m', 'cells->n']]);
  t.deepEqual(order.leaves, []);
});

const bus = globals('bus', { rwsem: rwsem(), head: notifier_chain(['port.nb']) });
const port = struct('port', { nb: notifier_block('port_notify'), lock: mutex(), users: field<number>(0), idle: completion() });
const buffer = struct('buffer', { used: field<number>(0) });
interface Bus extends HandleTo<typeof bus> {}
interface Port extends HandleTo<typeof port> {}
interface Buffer extends HandleTo<typeof buffer> {}

function* port_sleep({ idle }: Port): Operation {
  yield* wait_for_completion(idle);
}
function* port_wait(port: Port): Operation {
  yield* load(port.users);
  yield* port_sleep(port);
}
function* port_count({ users }: Port): Operation {
  yield* store(users, (yield* load(users)) + 1);
}
function* port_change(bus: Bus, port: Port, buffer: Buffer): Operation {
  const callbacks: Callbacks = {
    *port_notify() {
      yield* port_count(port);
      return 0;
    },
  };
  yield* mutex_lock(port.lock);
  const own = yield* kzalloc(buffer);
  yield* store(own.used, 1);
  yield* blocking_notifier_call_chain(bus, callbacks, 1);
  yield* port_wait(port);
  yield* mutex_unlock(port.lock);
}
function* port_idle({ idle }: Port): Operation {
  yield* complete(idle);
}

test('what is called while a lock is held: functions, callbacks, waits for others and allocations', async (t) => {
  const changing = variant({
    objects: { bus, port, buffer: pool(buffer) },
    threads: ({ bus, port, buffer }) => ({ admin: [call(port_change, bus, port, buffer)], user: [call(port_idle, port)] }),
    expect: [],
  });
  const locking = await lockingOf(t, changing);
  const lock = factsOf(locking, 'port->lock');
  t.deepEqual(lock.calls, ['port_notify', 'port_wait']);
  t.deepEqual(lock.callbacks, [{ by: 'blocking_notifier_call_chain', function: 'port_notify' }]);
  t.deepEqual(
    lock.waits.map((site) => `${site.event} ${site.function}`),
    ['wait_for_completion port_sleep'],
  );
  t.deepEqual(
    lock.allocations.map((site) => site.function),
    ['port_change'],
  );
  t.deepEqual(factsOf(locking, 'bus.rwsem').calls, ['port_notify']);
  t.true(factsOf(locking, 'bus.rwsem').shared);
});
