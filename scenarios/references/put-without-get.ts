/** A put that has no get: the kernel warns at another put, which is in order. */
import {
  complete,
  globals,
  type HandleTo,
  list_del,
  mutex_lock,
  mutex_unlock,
  type Operation,
  refcount_dec_and_test,
  refcount_inc_not_zero,
  wait_for_completion,
} from '../../actors/primitives.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { device as onHeap, driver, type Driver } from './setup/chardev.ts';

/** It belongs to its driver, which waits for the last reference and does not free it. */
const device = globals('device', onHeap.parts);
interface Device extends HandleTo<typeof device> {}
const objects = { driver, device };

const ENODEV = 19;
const EIO = 5;

function* device_put(device: Device): Operation {
  if (yield* refcount_dec_and_test(device.refs)) yield* complete(device.released);
}

function* device_open(device: Device, checks: boolean): Operation<number> {
  const got = yield* refcount_inc_not_zero(device.refs);
  return got || !checks ? 0 : -ENODEV;
}

function* device_release(device: Device): Operation {
  yield* device_put(device);
}

/** The ioctl fails, and puts what is the file's to put. */
function* device_ioctl(device: Device, puts: boolean): Operation<number> {
  if (puts) yield* device_put(device);
  return -EIO;
}

function* device_unregister(driver: Driver, device: Device): Operation {
  yield* mutex_lock(driver.lock);
  yield* list_del(device.entry, driver.devices);
  yield* mutex_unlock(driver.lock);
  yield* device_put(device);
  yield* wait_for_completion(device.released);
}

const opened = local<number>('opened');

const design = (does: { readonly checks: boolean; readonly putsTwice: boolean }, underflows: boolean) =>
  variant({
    objects,
    threads: ({ driver, device }) => ({
      user: [
        call(device_open, device, does.checks).into(opened),
        call(device_ioctl, device, does.putsTwice).ifOk(opened),
        call(device_release, device).ifOk(opened),
      ],
      remover: [call(device_unregister, driver, device)],
    }),
    expect: underflows ? [{ kind: 'refcount' as const, object: 'device.refs' }] : [],
  });

export default defineScenario({
  name: 'put-without-get',
  summary: 'A reference is put that nobody took: by who was refused it, or twice by who has it',
  source: 'include/linux/refcount.h: a counter knows how many hold it, not who',
  covers: [],
  tags: ['references'],
  variants: {
    unchecked: design({ checks: false, putsTwice: false }, true),
    'put-twice': design({ checks: true, putsTwice: true }, true),
    paired: design({ checks: true, putsTwice: false }, false),
  },
});
