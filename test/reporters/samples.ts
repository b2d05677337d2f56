/** Small designs with one thing wrong in each, for the reports. None of them knows VFIO. */
import {
  again,
  complete,
  completion,
  field,
  globals,
  type HandleTo,
  kfree,
  load,
  loop,
  mutex,
  mutex_lock,
  mutex_unlock,
  NULL,
  type Null,
  type Operation,
  pointer,
  refcount,
  refcount_dec_and_test,
  refcount_inc_not_zero,
  refcount_read,
  refcount_set,
  store,
  struct,
  wait_for_completion,
  wait_for_completion_timeout,
} from '../../actors/primitives.ts';
import { call, defineScenario, local, type Scenario, task, type Variant, variant } from '../../src/index.ts';

const toy = struct('toy', {
  refcount: refcount(0),
  lock: mutex(),
  minor: field<number>(-1),
  flags: field<number>(0),
  released: completion(),
});
interface Toy extends HandleTo<typeof toy> {}
const driver = globals('driver', { lock: mutex(), found: pointer<Toy>({ at: 'toy' }) });
interface Driver extends HandleTo<typeof driver> {}

function* toy_add(toy: Toy, lock: Toy['lock']): Operation<number> {
  yield* mutex_lock(lock);
  if ((yield* refcount_read(toy.refcount)) === 0) yield* refcount_set(toy.refcount, 1);
  yield* store(toy.minor, 1);
  yield* mutex_unlock(lock);
  return 0;
}

function* toy_register(toy: Toy, lock: Toy['lock']): Operation<number> {
  for (const flag of [1, 2, 4]) yield* store(toy.flags, flag);
  return yield* toy_add(toy, lock);
}

function* toy_open(driver: Driver, toy: Toy): Operation<number> {
  yield* mutex_lock(driver.lock);
  const got = yield* refcount_inc_not_zero(toy.refcount);
  yield* mutex_unlock(driver.lock);
  return got ? 0 : -19;
}

function* toy_put(toy: Toy): Operation {
  if (yield* refcount_dec_and_test(toy.refcount)) yield* complete(toy.released);
}

/** The reference is taken after the lock is gone. */
function* toy_find(driver: Driver): Operation<Toy | Null> {
  yield* mutex_lock(driver.lock);
  const found = yield* load(driver.found);
  yield* mutex_unlock(driver.lock);
  return found;
}

function* toy_get(driver: Driver): Operation<number> {
  const found = yield* toy_find(driver);
  if (found === NULL) return -19;
  return (yield* refcount_inc_not_zero((found as Toy).refcount)) ? 0 : -19;
}

function* toy_remove(driver: Driver, toy: Toy): Operation {
  yield* mutex_lock(driver.lock);
  yield* store(driver.found, NULL);
  yield* mutex_unlock(driver.lock);
  yield* kfree(toy);
}

function* lock_both(first: Toy['lock'], second: Toy['lock']): Operation {
  yield* mutex_lock(first);
  yield* mutex_lock(second);
  yield* mutex_unlock(second);
  yield* mutex_unlock(first);
}

function* toy_unregister(toy: Toy): Operation {
  yield* toy_put(toy);
  yield* wait_for_completion(toy.released);
}

function* toy_drain(toy: Toy): Operation {
  yield* toy_put(toy);
  yield* loop(null, function* () {
    return (yield* wait_for_completion_timeout(toy.released)) === 0 ? again(null) : undefined;
  });
}

const opened = local<number>('opened');
const opened_too = local<number>('opened_too');

const lostReference: Variant = variant({
  objects: { toy, driver },
  threads: ({ toy, driver }) => ({
    registrar_a: [call(toy_register, toy, toy.lock)],
    registrar_b: [call(toy_register, toy, driver.lock)],
    user: [call(toy_open, driver, toy).into(opened), call(toy_put, toy).ifOk(opened)],
  }),
  sometimes: {
    'both have read 0': ({ next }) => next('registrar_a') === 'refcount_set' && next('registrar_b') === 'refcount_set',
  },
  expect: [{ kind: 'refcount', object: 'toy.refcount', between: ['refcount_read', 'refcount_set'] }],
});

export const samples: Scenario = defineScenario({
  name: 'samples',
  summary: 'One thing wrong in each variant',
  source: 'this test',
  covers: [],
  tags: [],
  variants: {
    refcount: lostReference,
    'use-after-free': variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({ getter: [call(toy_get, driver)], remover: [call(toy_remove, driver, toy)] }),
      start: { 'toy.refcount': { n: 1 } },
      expect: [],
    }),
    deadlock: variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({
        one: [call(lock_both, toy.lock, driver.lock)],
        other: [call(lock_both, driver.lock, toy.lock)],
      }),
      expect: [],
    }),
    'self-deadlock': variant({
      objects: { toy },
      threads: ({ toy }) => ({ only: [call(lock_both, toy.lock, toy.lock)] }),
      expect: [],
    }),
    'hung-unregister': variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({ remover: [call(toy_unregister, toy)], user: [call(toy_open, driver, toy)] }),
      start: { 'toy.refcount': { n: 1 } },
      expect: [],
    }),
    starvation: variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({
        remover: [call(toy_drain, toy)],
        user_a: task([call(toy_open, driver, toy).into(opened), call(toy_put, toy).ifOk(opened)], { forever: true }),
        user_b: task([call(toy_open, driver, toy).into(opened_too), call(toy_put, toy).ifOk(opened_too)], { forever: true }),
      }),
      start: { 'toy.refcount': { n: 1 } },
      expect: [],
    }),
    invariant: variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({
        registrar: [call(toy_register, toy, toy.lock)],
        user: [call(toy_open, driver, toy)],
      }),
      always: { 'nobody is in before the minor is known': ({ toy }) => toy.refcount.n < 2 || toy.minor.value >= 0 },
      expect: [],
    }),
    'four-threads': variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({
        user_a: [call(toy_open, driver, toy)],
        user_b: [call(toy_open, driver, toy)],
        user_c: [call(toy_open, driver, toy)],
        a_user_with_a_very_long_name: [call(toy_open, driver, toy)],
      }),
      start: { 'toy.refcount': { n: 1 } },
      always: { 'three users at most': ({ toy }) => toy.refcount.n < 5 },
      expect: [],
    }),
    clean: variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({
        registrar: [call(toy_register, toy, driver.lock)],
        user: [call(toy_open, driver, toy).into(opened), call(toy_put, toy).ifOk(opened)],
      }),
      sometimes: { 'the user is in': ({ toy }) => toy.refcount.n === 2 },
      expect: [],
    }),
    'never-reached': variant({
      objects: { toy, driver },
      threads: ({ toy, driver }) => ({ user: [call(toy_open, driver, toy)] }),
      sometimes: { 'the user is in': ({ toy }) => toy.refcount.n > 0 },
      expect: [{ kind: 'leak', object: 'toy' }],
    }),
  },
});
