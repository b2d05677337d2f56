/** A get whose put is forgotten where the open fails halfway: the device is never freed. */
import {
  choose,
  kfree,
  list_del,
  list_first_entry_or_null,
  mutex_lock,
  mutex_unlock,
  NULL,
  type Operation,
  refcount_dec_and_test,
  refcount_inc_not_zero,
} from '../../actors/primitives.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { type Device, type Driver, objects } from './setup/chardev.ts';

const ENODEV = 19;
const ENOMEM = 12;

function* device_put(device: Device): Operation {
  if (yield* refcount_dec_and_test(device.refs)) yield* kfree(device);
}

function* device_find(driver: Driver): Operation<Device | null> {
  yield* mutex_lock(driver.lock);
  const found = yield* list_first_entry_or_null<Device>(driver.devices);
  const got = found !== NULL && (yield* refcount_inc_not_zero((found as Device).refs));
  yield* mutex_unlock(driver.lock);
  return got ? (found as Device) : null;
}

function* device_open(driver: Driver, puts: boolean): Operation<number> {
  const device = yield* device_find(driver);
  if (device === null) return -ENODEV;
  if ((yield* choose('the buffer of the file', 'ok', 'no memory')) === 'ok') return 0;
  if (puts) yield* device_put(device);
  return -ENOMEM;
}

function* device_release(device: Device): Operation {
  yield* device_put(device);
}

function* device_unregister(driver: Driver, device: Device): Operation {
  yield* mutex_lock(driver.lock);
  yield* list_del(device.entry, driver.devices);
  yield* mutex_unlock(driver.lock);
  yield* device_put(device);
}

const opened = local<number>('opened');

const opensAndGoes = (puts: boolean, expect: readonly { kind: 'leak'; object: string }[]) =>
  variant({
    objects,
    threads: ({ driver, device }) => ({
      user: [call(device_open, driver, puts).into(opened), call(device_release, device).ifOk(opened)],
      remover: [call(device_unregister, driver, device)],
    }),
    sometimes: {
      'the open fails after its get': ({ result }) => result(opened) === -ENOMEM,
      'the open comes too late': ({ result }) => result(opened) === -ENODEV,
    },
    leaks: { device: ({ device }) => (device.freed ? 0 : 1) },
    expect,
  });

export default defineScenario({
  name: 'leak-on-error-path',
  summary: 'An open that fails after it has taken its reference returns without putting it',
  source: 'the commonest of all reference leaks',
  covers: [],
  tags: ['references'],
  variants: {
    forgotten: opensAndGoes(false, [{ kind: 'leak', object: 'device' }]),
    put: opensAndGoes(true, []),
  },
});
