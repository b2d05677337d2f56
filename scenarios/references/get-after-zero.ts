/** A get from 0: a look-up finds the device after its last put, and before it is off the list. */
import {
  kfree,
  list_del,
  list_first_entry_or_null,
  mutex_lock,
  mutex_unlock,
  NULL,
  type Operation,
  refcount_dec_and_test,
  refcount_inc,
  refcount_inc_not_zero,
} from '../../actors/primitives.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { type Device, type Driver, objects } from './setup/chardev.ts';

const ENODEV = 19;

function* device_put(driver: Driver, device: Device): Operation {
  if (!(yield* refcount_dec_and_test(device.refs))) return;
  yield* mutex_lock(driver.lock);
  yield* list_del(device.entry, driver.devices);
  yield* mutex_unlock(driver.lock);
  yield* kfree(device);
}

/** Whoever is on the list is alive only until its last put: the list holds no reference. */
function* device_get(device: Device, unlessZero: boolean): Operation<boolean> {
  if (unlessZero) return yield* refcount_inc_not_zero(device.refs);
  yield* refcount_inc(device.refs);
  return true;
}

function* device_open(driver: Driver, unlessZero: boolean): Operation<number> {
  yield* mutex_lock(driver.lock);
  const found = yield* list_first_entry_or_null<Device>(driver.devices);
  const got = found !== NULL && (yield* device_get(found as Device, unlessZero));
  yield* mutex_unlock(driver.lock);
  return got ? 0 : -ENODEV;
}

function* device_release(driver: Driver, device: Device): Operation {
  yield* device_put(driver, device);
}

function* device_unregister(driver: Driver, device: Device): Operation {
  yield* device_put(driver, device);
}

const opened = local<number>('opened');

const design = (unlessZero: boolean, revives: boolean) =>
  variant({
    objects,
    threads: ({ driver, device }) => ({
      user: [call(device_open, driver, unlessZero).into(opened), call(device_release, driver, device).ifOk(opened)],
      remover: [call(device_unregister, driver, device)],
    }),
    sometimes: {
      'it is found after its last put': ({ device, next }) =>
        device.refs.n === 0 && next('user') === (unlessZero ? 'refcount_inc_not_zero' : 'refcount_inc'),
    },
    leaks: { device: ({ device }) => (device.freed ? 0 : 1) },
    expect: revives
      ? [{ kind: 'refcount' as const, object: 'device.refs', between: ['refcount_dec_and_test', 'refcount_inc'] as const }]
      : [],
  });

export default defineScenario({
  name: 'get-after-zero',
  summary: 'A look-up takes a reference to what has had its last put and is still on the list',
  source: 'Documentation/kref.txt: a get by who holds no reference is a kref_get_unless_zero()',
  covers: [],
  tags: ['references'],
  variants: { inc: design(false, true), 'inc-not-zero': design(true, false) },
});
