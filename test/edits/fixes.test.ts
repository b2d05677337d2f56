/** Small changes that mend a finding, and those that only seem to. */
import test from 'ava';
import { kfree, type Operation, WARN_ON } from '../../actors/step.ts';
import { complete, complete_all, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_inc_not_zero, refcount_read, refcount_set } from '../../actors/sync/refcount.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { findFixes } from '../../src/edits/fixes/find-fixes.ts';
import { Verifier } from '../../src/edits/fixes/verify.ts';
import { call, checkVariant, defineScenario, local, type Scenario, type Variant, variant } from '../../src/index.ts';

const bus = globals('bus', { lock: mutex(), other: mutex(), ready: field<number>(0), done: completion() });
type Bus = HandleTo<typeof bus>;
const device = struct('device', { refs: refcount(0), minor: field<number>(0) });
type Device = HandleTo<typeof device>;
const objects = { bus, device };

function* start(device: Device): Operation<number> {
  if ((yield* refcount_read(device.refs)) === 0) yield* refcount_set(device.refs, 1);
  return 0;
}
function* start_under_lock(bus: Bus, device: Device): Operation<number> {
  yield* mutex_lock(bus.lock);
  if ((yield* refcount_read(device.refs)) === 0) yield* refcount_set(device.refs, 1);
  yield* mutex_unlock(bus.lock);
  return 0;
}
function* get(bus: Bus, device: Device): Operation<boolean> {
  yield* mutex_lock(bus.lock);
  const got = yield* refcount_inc_not_zero(device.refs);
  yield* mutex_unlock(bus.lock);
  return got;
}
function* publish_under_lock(bus: Bus, device: Device): Operation<number> {
  yield* mutex_lock(bus.lock);
  if ((yield* refcount_read(device.refs)) === 0) yield* refcount_set(device.refs, 1);
  yield* store(bus.ready, 1);
  yield* mutex_unlock(bus.lock);
  return 0;
}
function* get_published(bus: Bus, device: Device): Operation<boolean> {
  yield* mutex_lock(bus.lock);
  const got = (yield* load(bus.ready)) === 1 && (yield* refcount_inc_not_zero(device.refs));
  yield* mutex_unlock(bus.lock);
  return got;
}
function* publish(bus: Bus, device: Device): Operation {
  yield* store(bus.ready, 1);
  yield* store(device.minor, 7);
}
function* find(bus: Bus, device: Device): Operation<number> {
  if ((yield* load(bus.ready)) === 0) return -19;
  const minor = yield* load(device.minor);
  yield* WARN_ON(minor === 0, 'minor == 0');
  return minor;
}
function* lock_then_other(bus: Bus): Operation {
  yield* mutex_lock(bus.lock);
  yield* mutex_lock(bus.other);
  yield* mutex_unlock(bus.other);
  yield* mutex_unlock(bus.lock);
}
function* other_then_lock(bus: Bus): Operation {
  yield* mutex_lock(bus.other);
  yield* mutex_lock(bus.lock);
  yield* mutex_unlock(bus.lock);
  yield* mutex_unlock(bus.other);
}
function* use(bus: Bus, device: Device, says: typeof complete): Operation<number> {
  const minor = yield* load(device.minor);
  yield* says(bus.done);
  return minor;
}
function* free(device: Device): Operation {
  yield* kfree(device);
}
function* settle(bus: Bus): Operation {
  yield* wait_for_completion(bus.done);
}

const a = local<number>('a');
const b = local<number>('b');
const got = local<boolean>('got');
const found = local<number>('found');

const named = (name: string, variants: Scenario['variants']): Scenario =>
  defineScenario({ name, summary: 'A program of a few lines', source: 'this test', covers: [], tags: [], variants });

/** The fixes for the first finding of the first variant. */
async function fixesFor(variants: { readonly [name: string]: Variant }, others: readonly Scenario[] = []) {
  const scenario = named('it', variants);
  const [name = ''] = Object.keys(variants);
  const { findings } = await checkVariant(scenario, name, { maxStates: 10_000 });
  const [finding] = findings;
  if (finding === undefined) throw new RangeError('there is nothing to mend');
  const reason = () => null;
  const verifier = new Verifier(scenario, others, { maxStates: 10_000, reason });
  return findFixes(verifier, name, finding, { reason });
}

const racyStart = variant({
  objects,
  threads: ({ bus, device }) => ({
    registrar: [call(start, device).into(a)],
    second: [call(start_under_lock, bus, device).into(b)],
    user: [call(get, bus, device).into(got)],
  }),
  expect: [{ kind: 'refcount', object: 'device.refs', between: ['refcount_read', 'refcount_set'] }],
});

test('a check and what depends on it go under the lock that the others hold', async (t) => {
  const { fixes } = await fixesFor({ racy: racyStart });
  const locked = fixes.find(({ kind }) => kind === 'take a lock');
  t.is(locked?.says, 'take &bus.lock around refcount_read() ... refcount_set() in start()');
  t.deepEqual(locked?.steps, [
    '  start()',
    '+   mutex_lock(&bus.lock)',
    '    refcount_read(&device->refs)',
    '    refcount_set(&device->refs, 1)',
    '+   mutex_unlock(&bus.lock)',
  ]);
  t.deepEqual(
    locked?.verified.map(({ scenario, variant }) => `${scenario}/${variant}`),
    ['it/racy'],
  );
});

test('what two places do is left to one of them, as long as somebody does it', async (t) => {
  const published = variant({
    objects,
    threads: ({ bus, device }) => ({
      registrar: [call(start, device).into(a)],
      second: [call(publish_under_lock, bus, device).into(b)],
      user: [call(get_published, bus, device).into(got)],
    }),
    expect: [{ kind: 'refcount', object: 'device.refs', between: ['refcount_read', 'refcount_set'] }],
  });
  const { fixes } = await fixesFor({ racy: published });
  t.true(fixes.some(({ kind, says }) => kind === 'one place' && says.endsWith('start() does without')));

  const alone = named('alone', {
    it: variant({
      objects,
      threads: ({ bus, device }) => ({ only: [call(start, device).into(a)], user: [call(get, bus, device).into(got)] }),
      expect: [],
    }),
  });
  const beside = await fixesFor({ racy: published }, [alone]);
  const left = beside.fixes.find(({ says }) => says.endsWith(': start() does without'));
  t.deepEqual(left?.broken, [{ scenario: 'alone', variant: 'it', why: 'never again: user has "got"' }]);
  t.is(beside.fixes.findIndex(({ broken }) => broken.length > 0) > 0, true, 'those that hold everywhere come first');
});

test('a change by which calls that run one after the other come out otherwise is no fix', async (t) => {
  const { fixes } = await fixesFor({ racy: racyStart });
  // A user between the two registrars was served, and now is not.
  t.false(fixes.some(({ kind }) => kind === 'one place'));
});

test('what is published too early is published last', async (t) => {
  const { fixes } = await fixesFor({
    early: variant({
      objects,
      threads: ({ bus, device }) => ({ probe: [call(publish, bus, device)], user: [call(find, bus, device).into(found)] }),
      expect: [{ kind: 'warn', object: 'find' }],
    }),
  });
  const order = fixes.find(({ kind }) => kind === 'another order of steps');
  t.deepEqual(order?.steps, ['  publish()', '-   bus.ready = 1', '    device->minor = 7', '+   bus.ready = 1']);
});

test('a deadlock is undone by one order of its locks, which is no new one', async (t) => {
  const { fixes } = await fixesFor({
    abba: variant({
      objects,
      threads: ({ bus }) => ({ one: [call(lock_then_other, bus)], two: [call(other_then_lock, bus)] }),
      expect: [{ kind: 'deadlock', object: 'bus.other' }],
    }),
  });
  const order = fixes.find(({ kind }) => kind === 'one lock order');
  t.truthy(order);
  t.deepEqual(order?.addsOrders, []);
});

const freed = (says: typeof complete) =>
  variant({
    objects,
    threads: ({ bus, device }) => ({
      user: [call(use, bus, device, says).into(found)],
      remover: [call(free, device)],
      other: [call(settle, bus)],
    }),
    expect: [{ kind: 'use-after-free', object: 'device', between: ['kfree', 'load'] }],
  });

test('who frees waits for who uses, where that tells everybody when it has done', async (t) => {
  const { fixes } = await fixesFor({ freed: freed(complete_all) });
  t.deepEqual(
    fixes.filter(({ kind }) => kind === 'wait').map(({ steps }) => steps),
    [['  free()', '+   wait_for_completion(&bus.done)', '    kfree(device)']],
  );
});

test('where only one of those who wait is told, one more to wait is no fix', async (t) => {
  const { fixes, candidates } = await fixesFor({ freed: freed(complete) });
  t.is(candidates, 1);
  t.false(fixes.some(({ kind }) => kind === 'wait'));
});

test('a change after which nobody gets what they came for is no fix', async (t) => {
  const { fixes } = await fixesFor({
    early: variant({
      objects,
      threads: ({ bus, device }) => ({ probe: [call(publish, bus, device)], user: [call(find, bus, device).into(found)] }),
      expect: [{ kind: 'warn', object: 'find' }],
    }),
  });
  t.false(fixes.some(({ says }) => says === 'without bus.ready = 1 in publish()'));
});

function* set_up(bus: Bus, device: Device): Operation {
  yield* mutex_lock(bus.lock);
  yield* store(bus.ready, 1);
  yield* mutex_unlock(bus.lock);
  yield* WRITE_ONCE(device.minor, 7);
}
function* look_up(bus: Bus, device: Device): Operation {
  yield* mutex_lock(bus.lock);
  const ready = yield* load(bus.ready);
  yield* mutex_unlock(bus.lock);
  if (ready === 1) yield* WARN_ON((yield* READ_ONCE(device.minor)) === 0, 'minor == 0');
}

test('a write that is moved out of the lock under which the field is read is no fix: it makes a data race', async (t) => {
  const { fixes, candidates } = await fixesFor({
    early: variant({
      objects,
      threads: ({ bus, device }) => ({ probe: [call(set_up, bus, device)], user: [call(look_up, bus, device)] }),
      expect: [{ kind: 'warn', object: 'look_up' }],
    }),
  });
  t.true(candidates > 0);
  t.false(fixes.some(({ kind }) => kind === 'another order of steps'));
});

function* open_alone(bus: Bus): Operation<number> {
  if ((yield* load(bus.ready)) > 0) return -16;
  yield* mutex_lock(bus.lock);
  yield* store(bus.ready, (yield* load(bus.ready)) + 1);
  yield* mutex_unlock(bus.lock);
  return 0;
}
function* open_and_use(bus: Bus): Operation {
  yield* store(bus.ready, 1);
  yield* WARN_ON((yield* load(bus.ready)) === 0, 'ready == 0');
}
/** In the end it is as it was: only who comes between sees the reset. */
function* init_again(bus: Bus): Operation {
  yield* store(bus.ready, 0);
  yield* store(bus.ready, 1);
}

test('only a reset is left out: who counts nobody has never too many', async (t) => {
  const { fixes } = await fixesFor({
    counted: variant({
      objects,
      threads: ({ bus }) => ({ one: [call(open_alone, bus).into(a)], two: [call(open_alone, bus).into(b)] }),
      always: { 'one at most': ({ bus }) => bus.ready.value <= 1 },
      expect: [{ kind: 'invariant', object: 'bus.ready', between: ['store', 'store'] }],
    }),
  });
  t.false(fixes.some(({ kind }) => kind === 'leave it out'));

  const reset = await fixesFor({
    early: variant({
      objects,
      threads: ({ bus }) => ({ one: [call(open_and_use, bus)], two: [call(init_again, bus)] }),
      expect: [{ kind: 'warn', object: 'open_and_use' }],
    }),
  });
  t.deepEqual(
    reset.fixes.filter(({ kind }) => kind === 'leave it out').map(({ says }) => says),
    ['without bus.ready = 0 in init_again()'],
  );
});
