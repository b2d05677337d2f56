/**
 * A polling thread of a driver, and the device that it polls. kthread_stop() returns when the thread function has; to free
 * the device before is to free it under the thread, which may be anywhere in its round.
 */
import {
  again,
  globals,
  type HandleTo,
  field,
  kfree,
  kthread,
  kthread_should_stop,
  kthread_stop,
  loop,
  type Operation,
  struct,
  task_struct,
  wake_up_process,
  WRITE_ONCE,
} from '../../actors/primitives.ts';
import { call, daemon, defineScenario, variant } from '../../src/index.ts';

const device = struct('device', { status: field<boolean>(false) });
interface Device extends HandleTo<typeof device> {}

const driver = globals('driver', { poller: task_struct() });
interface Driver extends HandleTo<typeof driver> {}

function* device_poll(driver: Driver, device: Device): Operation {
  yield* loop(null, function* () {
    if (yield* kthread_should_stop(driver.poller)) return undefined;
    yield* WRITE_ONCE(device.status, true);
    return again(null);
  });
}

const device_probe = (driver: Driver): Operation<boolean> => wake_up_process(driver.poller);

function* device_remove(driver: Driver, device: Device, freesFirst: boolean): Operation {
  if (freesFirst) yield* kfree(device);
  yield* kthread_stop(driver.poller);
  if (!freesFirst) yield* kfree(device);
}

function* poller(driver: Driver, device: Device): Operation {
  yield* kthread(driver.poller, () => device_poll(driver, device));
}

const design = (freesFirst: boolean) =>
  variant({
    objects: { driver, device },
    threads: ({ driver, device }) => ({
      admin: [call(device_probe, driver), call(device_remove, driver, device, freesFirst)],
      poller: daemon([call(poller, driver, device)]),
    }),
    sometimes: {
      'the thread is about to touch the device when it is asked to stop': ({ driver, next }) =>
        (freesFirst || driver.poller.shouldStop) && next('poller') === 'store',
    },
    atEnd: { 'the device is freed': ({ device }) => device.freed },
    expect: freesFirst ? [{ kind: 'use-after-free' as const, object: 'device', between: ['kfree', 'store'] as const }] : [],
  });

export default defineScenario({
  name: 'kthread-outlives-device',
  summary: 'A device is freed before the thread that polls it has been stopped',
  source: 'kernel/kthread.c, kthread_stop(), v6.1',
  covers: [],
  tags: ['references'],
  variants: { 'freed-first': design(true), 'stopped-first': design(false) },
});
