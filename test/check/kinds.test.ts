/** For each kind of finding a program in which it must speak, and its twin in which it must stay silent. */
import test from 'ava';
import { again, BUG_ON, kfree, loop, might_sleep, type Operation, WARN_ON } from '../../actors/step.ts';
import { local_irq_disable, local_irq_enable } from '../../actors/sync/cpu.ts';
import { list_add, list_del } from '../../actors/sync/list.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { rcu_read_lock, rcu_read_unlock, srcu_read_lock, srcu_read_unlock } from '../../actors/sync/rcu.ts';
import {
  refcount_dec_and_test,
  refcount_inc,
  refcount_inc_not_zero,
  refcount_read,
  refcount_set,
} from '../../actors/sync/refcount.ts';
import { spin_lock, spin_unlock } from '../../actors/sync/spinlock.ts';
import { cancel_work, flush_work } from '../../actors/sync/work.ts';
import {
  complete,
  try_wait_for_completion,
  wait_for_completion,
  wait_for_completion_timeout,
} from '../../actors/sync/completion.ts';
import { globals, type HandleTo, type Kind, NULL, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { list_head, list_node } from '../../machines/sync/list.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rcu_state, srcu_struct } from '../../machines/sync/rcu.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import { work_struct, workqueue } from '../../machines/sync/work.ts';
import { call, local, task, type Variant, variant } from '../../src/index.ts';
import { checkTiny, summaries } from '../helpers/tiny.ts';

const bus = globals('bus', {
  lock: mutex(),
  other: mutex(),
  spin: spinlock(),
  rcu: rcu_state(),
  srcu: srcu_struct(),
  cpu: cpu(),
  devices: list_head(),
  ready: completion(),
  wq: workqueue(),
  work: work_struct('work'),
  flag: field<number>(0),
});
type Bus = HandleTo<typeof bus>;
const device = struct('device', {
  refs: refcount(1),
  owner: pointer<{ readonly path: string } & Bus>(),
  on_bus: list_node(),
  open: field<number>(0),
});
type Device = HandleTo<typeof device>;
const objects = { bus, device };

function* flush_under_spinlock({ spin, wq, work }: Bus, flush: typeof flush_work | typeof cancel_work): Operation {
  yield* spin_lock(spin);
  yield* flush(wq, work);
  yield* spin_unlock(spin);
}
function* put(device: Device): Operation {
  if (yield* refcount_dec_and_test(device.refs)) yield* kfree(device);
}
function* look(device: Device): Operation<number> {
  return yield* load(device.open);
}
function* get(device: Device): Operation<number> {
  return (yield* refcount_inc_not_zero(device.refs)) ? 0 : -19;
}
function* free(device: Device): Operation {
  yield* kfree(device);
}
function* locked(bus: Bus, body: () => Operation): Operation {
  yield* mutex_lock(bus.lock);
  yield* body();
  yield* mutex_unlock(bus.lock);
}
function* set_owner(bus: Bus, device: Device): Operation {
  yield* store(device.owner, bus);
}
function* through_owner(device: Device, checks: boolean): Operation {
  const owner = yield* load(device.owner);
  if (checks && owner === NULL) return;
  yield* store((owner as Bus).flag, 1);
}
function* start_refcount(bus: Bus, device: Device, isLocked: boolean): Operation {
  const start = function* () {
    if ((yield* refcount_read(device.refs)) === 0) yield* refcount_set(device.refs, 1);
  };
  yield* isLocked ? locked(bus, start) : start();
}
function* nest(bus: Bus, order: 'lock other' | 'other lock'): Operation {
  const [outer, inner] = order === 'lock other' ? [bus.lock, bus.other] : [bus.other, bus.lock];
  yield* mutex_lock(outer);
  yield* mutex_lock(inner);
  yield* mutex_unlock(inner);
  yield* mutex_unlock(outer);
}
function* lock_under_spinlock(bus: Bus, isUnder: boolean): Operation {
  if (isUnder) yield* spin_lock(bus.spin);
  yield* locked(bus, function* () {
    if (!isUnder) yield* spin_lock(bus.spin);
    if (!isUnder) yield* spin_unlock(bus.spin);
  });
  if (isUnder) yield* spin_unlock(bus.spin);
}
function* wait_among_readers(bus: Bus): Operation {
  yield* rcu_read_lock(bus.rcu);
  yield* wait_for_completion_timeout(bus.ready);
  yield* rcu_read_unlock(bus.rcu);
}
function* try_among_readers(bus: Bus): Operation {
  yield* rcu_read_lock(bus.rcu);
  yield* srcu_read_lock(bus.srcu);
  yield* try_wait_for_completion(bus.ready);
  if (yield* mutex_trylock(bus.lock)) yield* mutex_unlock(bus.lock);
  yield* srcu_read_unlock(bus.srcu);
  yield* rcu_read_unlock(bus.rcu);
}
function* sleep_with_irqs_off(bus: Bus, areOff: boolean): Operation {
  yield* local_irq_disable(bus.cpu);
  if (!areOff) yield* local_irq_enable(bus.cpu);
  yield* might_sleep();
  if (areOff) yield* local_irq_enable(bus.cpu);
}
function* count_bus(bus: Bus): Operation {
  yield* locked(bus, function* () {
    yield* store(bus.flag, 1);
  });
}
function* lock_twice(bus: Bus, lets_go: boolean): Operation {
  yield* mutex_lock(bus.lock);
  if (lets_go) yield* mutex_unlock(bus.lock);
  yield* mutex_lock(bus.lock);
  yield* mutex_unlock(bus.lock);
}
function* wait_ready(bus: Bus): Operation {
  yield* wait_for_completion(bus.ready);
}
function* make_ready(bus: Bus, from: 'always' | 'if flag'): Operation {
  if (from === 'always' || (yield* load(bus.flag)) === 1) yield* complete(bus.ready);
}
function* spin(bus: Bus): Operation {
  yield* load(bus.flag);
}
function* poll(bus: Bus): Operation {
  yield* loop(null, function* () {
    return (yield* load(bus.flag)) === 0 ? again(null) : undefined;
  });
}
function* raise(bus: Bus, value: number): Operation {
  yield* store(bus.flag, value);
}
function* unlock(bus: Bus): Operation {
  yield* mutex_unlock(bus.lock);
}
function* add(bus: Bus, device: Device): Operation {
  yield* list_add(device.on_bus, bus.devices);
}
function* remove(bus: Bus, device: Device): Operation {
  yield* list_del(device.on_bus, bus.devices);
}
function* count_up(bus: Bus, device: Device, isLocked: boolean): Operation {
  const count = function* () {
    yield* store(device.open, (yield* load(device.open)) + 1);
  };
  yield* isLocked ? locked(bus, count) : count();
}
function* complain(device: Device, how: 'WARN' | 'BUG', at: number): Operation {
  const open = yield* load(device.open);
  if (how === 'WARN') yield* WARN_ON(open === at, 'device->open');
  else yield* BUG_ON(open === at, 'device->open');
}

const got = local<number>('got');
const forever = { forever: true };

interface Pair {
  readonly speaks: Variant;
  /** The findings of the first, in full. */
  readonly finds: readonly string[];
  readonly silent: Variant;
}

const pairs: { readonly [what: string]: Pair } = {
  'use-after-free: a look without a reference, beside the last put': {
    speaks: variant({ objects, threads: ({ device }) => ({ a: [call(put, device)], b: [call(look, device)] }), expect: [] }),
    finds: ['use-after-free device kfree..load'],
    silent: variant({
      objects,
      start: { 'device.refs': { n: 2 } },
      threads: ({ device }) => ({ a: [call(put, device)], b: [call(look, device), call(put, device)] }),
      expect: [],
    }),
  },
  'double-free: two who free what they share': {
    speaks: variant({ objects, threads: ({ device }) => ({ a: [call(free, device)], b: [call(free, device)] }), expect: [] }),
    finds: ['double-free device kfree..kfree'],
    silent: variant({
      objects,
      start: { 'device.refs': { n: 2 } },
      threads: ({ device }) => ({ a: [call(put, device)], b: [call(put, device)] }),
      expect: [],
    }),
  },
  'null-deref: a pointer followed before it was set': {
    speaks: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(set_owner, bus, device)], b: [call(through_owner, device, false)] }),
      expect: [],
    }),
    finds: ['null-deref flag load..store'],
    silent: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(set_owner, bus, device)], b: [call(through_owner, device, true)] }),
      expect: [],
    }),
  },
  'refcount: a get from 0': {
    speaks: variant({
      objects,
      start: { 'device.refs': { n: 0 } },
      threads: ({ device }) => ({ a: [call(refcount_inc, device.refs)] }),
      expect: [],
    }),
    finds: ['refcount device.refs'],
    silent: variant({ objects, threads: ({ device }) => ({ a: [call(refcount_inc, device.refs)] }), expect: [] }),
  },
  'refcount: a put below 0': {
    speaks: variant({
      objects,
      threads: ({ device }) => ({ a: [call(refcount_dec_and_test, device.refs)], b: [call(refcount_dec_and_test, device.refs)] }),
      expect: [],
    }),
    finds: ['refcount device.refs refcount_dec_and_test..refcount_dec_and_test'],
    silent: variant({
      objects,
      threads: ({ device }) => ({ a: [call(refcount_inc, device.refs), call(refcount_dec_and_test, device.refs)] }),
      expect: [],
    }),
  },
  'refcount: a set, after a read that found 0, that overwrites what others have taken': {
    speaks: variant({
      objects,
      start: { 'device.refs': { n: 0 } },
      threads: ({ bus, device }) => ({
        a: [call(start_refcount, bus, device, false)],
        b: [call(start_refcount, bus, device, false)],
        user: [call(get, device)],
      }),
      expect: [],
    }),
    finds: ['refcount device.refs refcount_read..refcount_set'],
    silent: variant({
      objects,
      start: { 'device.refs': { n: 0 } },
      threads: ({ bus, device }) => ({
        a: [call(start_refcount, bus, device, true)],
        b: [call(start_refcount, bus, device, true)],
        user: [call(get, device)],
      }),
      expect: [],
    }),
  },
  'lock-order: two locks in two orders, one after the other': {
    speaks: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(nest, bus, 'lock other' as const), call(nest, bus, 'other lock' as const)] }),
      expect: [],
    }),
    finds: ['lock-order bus.lock mutex_lock..mutex_lock'],
    silent: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(nest, bus, 'lock other' as const), call(nest, bus, 'lock other' as const)] }),
      expect: [],
    }),
  },
  'sleep-in-atomic: a mutex under a spinlock': {
    speaks: variant({ objects, threads: ({ bus }) => ({ a: [call(lock_under_spinlock, bus, true)] }), expect: [] }),
    finds: ['sleep-in-atomic bus.lock spin_lock..mutex_lock'],
    silent: variant({ objects, threads: ({ bus }) => ({ a: [call(lock_under_spinlock, bus, false)] }), expect: [] }),
  },
  'sleep-in-atomic: a wait that may time out, among readers of RCU; to try, and to read under SRCU, is no sleep': {
    speaks: variant({ objects, threads: ({ bus }) => ({ a: [call(wait_among_readers, bus)] }), expect: [] }),
    finds: ['sleep-in-atomic bus.ready rcu_read_lock..wait_for_completion'],
    silent: variant({ objects, threads: ({ bus }) => ({ a: [call(try_among_readers, bus)] }), expect: [] }),
  },
  'sleep-in-atomic: a flush, even of an idle item; cancel_work() is none': {
    speaks: variant({ objects, threads: ({ bus }) => ({ a: [call(flush_under_spinlock, bus, flush_work)] }), expect: [] }),
    finds: ['sleep-in-atomic bus.wq spin_lock..flush_work'],
    silent: variant({ objects, threads: ({ bus }) => ({ a: [call(flush_under_spinlock, bus, cancel_work)] }), expect: [] }),
  },
  'sleep-in-atomic: an allocation with interrupts off': {
    speaks: variant({
      objects,
      threads: ({ bus }) => ({ a: task([call(sleep_with_irqs_off, bus, true)], { cpu: bus.cpu }) }),
      expect: [],
    }),
    finds: ['sleep-in-atomic sleep_with_irqs_off local_irq_disable..might_sleep'],
    silent: variant({
      objects,
      threads: ({ bus }) => ({ a: task([call(sleep_with_irqs_off, bus, false)], { cpu: bus.cpu }) }),
      expect: [],
    }),
  },
  'lock-held-at-exit: a return with the lock, which the next call gives back': {
    speaks: variant({ objects, threads: ({ bus }) => ({ a: [call(mutex_lock, bus.lock), call(unlock, bus)] }), expect: [] }),
    finds: ['lock-held-at-exit bus.lock mutex_lock..return'],
    silent: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(count_bus, bus)] }),
      expect: [],
    }),
  },
  'deadlock: two locks in two orders': {
    speaks: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(nest, bus, 'lock other' as const)], b: [call(nest, bus, 'other lock' as const)] }),
      expect: [],
    }),
    finds: ['deadlock bus.other mutex_lock..mutex_lock', 'lock-order bus.lock mutex_lock..mutex_lock'],
    silent: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(nest, bus, 'lock other' as const)], b: [call(nest, bus, 'lock other' as const)] }),
      expect: [],
    }),
  },
  'self-deadlock: a lock taken again by who holds it': {
    speaks: variant({ objects, threads: ({ bus }) => ({ a: [call(lock_twice, bus, false)] }), expect: [] }),
    finds: ['self-deadlock bus.lock mutex_lock..mutex_lock'],
    silent: variant({ objects, threads: ({ bus }) => ({ a: [call(lock_twice, bus, true)] }), expect: [] }),
  },
  'hung-task: a wait for what is only done under a condition, beside who goes on for ever': {
    speaks: variant({
      objects,
      threads: ({ bus }) => ({
        a: [call(wait_ready, bus)],
        b: [call(make_ready, bus, 'if flag' as const)],
        c: task([call(spin, bus)], forever),
      }),
      expect: [],
    }),
    finds: ['hung-task bus.ready wait_for_completion..wait_for_completion'],
    silent: variant({
      objects,
      threads: ({ bus }) => ({
        a: [call(wait_ready, bus)],
        b: [call(make_ready, bus, 'always' as const)],
        c: task([call(spin, bus)], forever),
      }),
      expect: [],
    }),
  },
  'starvation: a loop that can miss the flag each time it is up': {
    speaks: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(poll, bus)], b: task([call(raise, bus, 1), call(raise, bus, 0)], forever) }),
      expect: [],
    }),
    finds: ['starvation bus.flag load..store'],
    silent: variant({ objects, threads: ({ bus }) => ({ a: [call(poll, bus)], b: [call(raise, bus, 1)] }), expect: [] }),
  },
  'unlock-imbalance: an unlock by who does not hold the lock': {
    speaks: variant({
      objects,
      threads: ({ bus }) => ({ a: [call(unlock, bus)], b: [call(nest, bus, 'lock other' as const)] }),
      expect: [],
    }),
    finds: ['unlock-imbalance bus.lock'],
    silent: variant({ objects, threads: ({ bus }) => ({ b: [call(nest, bus, 'lock other' as const)] }), expect: [] }),
  },
  'leak: a reference that nobody puts': {
    speaks: variant({
      objects,
      threads: ({ device }) => ({ a: [call(get, device).into(got)] }),
      leaks: { 'device.refs': ({ device }) => device.refs.n - 1 },
      expect: [],
    }),
    finds: ['leak device.refs'],
    silent: variant({
      objects,
      threads: ({ device }) => ({ a: [call(get, device).into(got), call(put, device).ifOk(got)] }),
      leaks: { 'device.refs': ({ device }) => device.refs.n - 1 },
      expect: [],
    }),
  },
  'leak: a reference that is put more often than it was taken': {
    speaks: variant({
      objects,
      start: { 'device.refs': { n: 2 } },
      threads: ({ device }) => ({ a: [call(put, device)] }),
      leaks: { 'device.refs': ({ device }) => device.refs.n - 2 },
      expect: [],
    }),
    finds: ['leak device.refs'],
    silent: variant({
      objects,
      start: { 'device.refs': { n: 2 } },
      threads: ({ device }) => ({ a: [call(get, device).into(got), call(put, device).ifOk(got)] }),
      leaks: { 'device.refs': ({ device }) => device.refs.n - 2 },
      expect: [],
    }),
  },
  'warn: a WARN_ON whose condition holds': {
    speaks: variant({ objects, threads: ({ device }) => ({ a: [call(complain, device, 'WARN' as const, 0)] }), expect: [] }),
    finds: ['warn complain'],
    silent: variant({ objects, threads: ({ device }) => ({ a: [call(complain, device, 'WARN' as const, 1)] }), expect: [] }),
  },
  'bug: a BUG_ON whose condition holds': {
    speaks: variant({ objects, threads: ({ device }) => ({ a: [call(complain, device, 'BUG' as const, 0)] }), expect: [] }),
    finds: ['bug complain'],
    silent: variant({ objects, threads: ({ device }) => ({ a: [call(complain, device, 'BUG' as const, 1)] }), expect: [] }),
  },
  'list-corruption: an entry that two add': {
    speaks: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(add, bus, device)], b: [call(add, bus, device)] }),
      expect: [],
    }),
    finds: ['list-corruption bus.devices list_add..list_add'],
    silent: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(add, bus, device), call(remove, bus, device)] }),
      expect: [],
    }),
  },
  'invariant: an update that is lost': {
    speaks: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(count_up, bus, device, false)], b: [call(count_up, bus, device, false)] }),
      always: { 'never back to 1': ({ device, ended }) => !(ended('a') && ended('b')) || device.open.value === 2 },
      expect: [],
    }),
    finds: ['invariant device.open store..store'],
    silent: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(count_up, bus, device, true)], b: [call(count_up, bus, device, true)] }),
      always: { 'never back to 1': ({ device, ended }) => !(ended('a') && ended('b')) || device.open.value === 2 },
      expect: [],
    }),
  },
  'end-state: the same, asked at the end': {
    speaks: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(count_up, bus, device, false)], b: [call(count_up, bus, device, false)] }),
      atEnd: { 'both have counted': ({ device }) => device.open.value === 2 },
      expect: [],
    }),
    finds: ['end-state device.open store..store'],
    silent: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(count_up, bus, device, true)], b: [call(count_up, bus, device, true)] }),
      atEnd: { 'both have counted': ({ device }) => device.open.value === 2 },
      expect: [],
    }),
  },
  'never-reached: a state that the scenario is about, and cannot come to': {
    speaks: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(count_up, bus, device, true)], b: [call(count_up, bus, device, true)] }),
      sometimes: { 'both have read': ({ next }) => next('a') === 'store' && next('b') === 'store' },
      expect: [],
    }),
    finds: ['never-reached both have read'],
    silent: variant({
      objects,
      threads: ({ bus, device }) => ({ a: [call(count_up, bus, device, false)], b: [call(count_up, bus, device, false)] }),
      sometimes: { 'both have read': ({ next }) => next('a') === 'store' && next('b') === 'store' },
      expect: [],
    }),
  },
};

for (const [what, { speaks, finds, silent }] of Object.entries(pairs))
  test(what, async (t) => {
    const [kind] = what.split(':') as [Kind];
    const bad = await checkTiny(speaks);
    t.deepEqual(summaries(bad).toSorted(), [...finds].toSorted());
    t.true(bad.searched.includes(kind));
    t.is(bad.outcome, 'unexpected');
    t.true(bad.exhaustive);

    const good = await checkTiny(silent);
    t.deepEqual(summaries(good), []);
    t.deepEqual(good.consequences, []);
    t.is(good.outcome, 'as-expected');
    t.true(good.exhaustive);
  });

test('what is expected and found is as expected; expected for another reason it is not', async (t) => {
  const racing = (between: readonly [string, string]) =>
    variant({
      objects,
      threads: ({ device }) => ({ a: [call(put, device)], b: [call(look, device)] }),
      expect: [{ kind: 'use-after-free', object: 'device', between }],
    });
  t.is((await checkTiny(racing(['kfree', 'load']))).outcome, 'as-expected');
  const other = await checkTiny(racing(['kfree', 'store']));
  t.is(other.outcome, 'unexpected');
  t.deepEqual(other.missing, [{ kind: 'use-after-free', object: 'device', between: ['kfree', 'store'] }]);
});

test('what is expected and not found is missing, but only where the search was exhaustive', async (t) => {
  const quiet = variant({
    objects,
    threads: ({ device }) => ({ a: [call(look, device)], b: [call(look, device)] }),
    expect: [{ kind: 'use-after-free', object: 'device', between: ['kfree', 'load'] }],
  });
  t.is((await checkTiny(quiet)).outcome, 'missing');
  const cut = await checkTiny(quiet, 2);
  t.is(cut.outcome, 'cut');
  t.false(cut.exhaustive);
  t.is(cut.cut, '2 states');
});
