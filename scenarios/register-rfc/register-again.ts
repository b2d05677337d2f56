/**
 * Checked, and no bug of the series: a device that was unregistered can be registered again as it is. Its refcount is 0,
 * so that it is started anew, and its completion is as vfio_init_group_dev() left it: the last put has completed it once,
 * and the unregistration has consumed that. A second life ends as the first: not before its last user has let go.
 *
 * Both hang on there being one complete() for one wait. Had the put used complete_all(), the second unregistration would
 * not wait for its users at all. And two unregistrations of one life put the count below 0, where it is poisoned: one of
 * the two never returns, and a new life is not started.
 */
import { along, kfree, type Message, type Operation } from '../../actors/step.ts';
import { complete_all } from '../../actors/sync/completion.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { changedBy } from './setup/changed-by.ts';

const NAME = '0000:00:14.2';
const fd = local<inRfc.VfioDevice | number>('fd');
const next_fd = local<inRfc.VfioDevice | number>('next_fd');
const first_life = local('first_life');
const second_life = local<number>('second_life');

const objects = { vfio: inRfc.vfio, vfio_pci: inRfc.device_driver, device: inRfc.vfio_device, dev: inRfc.device };

type Put = <R>(device: inRfc.VfioDevice, operation: Operation<R>) => Operation<R>;
const asItIs: Put = (_device, operation) => operation;

/** complete() becomes complete_all(), so that the unregistration does not consume what it has waited for. */
function* vfio_device_put(device: inRfc.VfioDevice, seen: readonly Message[]): Operation {
  yield* along(complete_all(device.comp), ...seen);
}
const completeAll: Put = (device, operation) =>
  changedBy(({ event: { type } }, seen) => (type === 'complete' ? vfio_device_put(device, seen) : null), operation);

/** It initialises its vfio_device once, registers it in each probe, and frees it when its module goes. */
const driverOf = (vfio: inRfc.Vfio, driver: inRfc.DeviceDriver, device: inRfc.VfioDevice, put: Put): rfc.Driver => ({
  driver,
  probe: () => put(device, rfc.vfio_register_device(vfio, device, rfc.VFIO_DEVNODE_NONGROUP)),
  remove: () => put(device, rfc.vfio_unregister_device(vfio, device)),
});

const threads =
  (put: Put) =>
  ({ vfio, vfio_pci, device, dev }: Handles) => {
    const driver = driverOf(vfio, vfio_pci, device, put);
    const open = (name: string) => put(device, rfc.openDevice(vfio, name));
    const close = (opened: inRfc.VfioDevice) => put(device, rfc.vfio_device_fops_release(vfio, opened));
    return {
      admin: [
        call(rfc.device_driver_attach, driver, dev),
        call(rfc.device_driver_detach, driver, dev).into(first_life),
        call(rfc.device_driver_attach, driver, dev).into(second_life),
        call(rfc.device_driver_detach, driver, dev),
        call(kfree, device),
      ],
      user: [
        call(open, NAME).into(fd),
        call(close, fd).ifOk(fd),
        call(open, NAME).into(next_fd),
        call(close, next_fd).ifOk(next_fd),
      ],
    };
  };
interface Handles {
  readonly vfio: inRfc.Vfio;
  readonly vfio_pci: inRfc.DeviceDriver;
  readonly device: inRfc.VfioDevice;
  readonly dev: inRfc.Device;
}

export default defineScenario({
  name: 'register-again',
  summary: 'A device is registered a second time without being initialised again',
  assumes: 'A driver keeps its vfio_device over several probes. None in the series does; nothing in the API forbids it.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-e'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'Two lives, each with its users.',
      objects,
      start: inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
      threads: threads(asItIs),
      always: {
        'who takes the device off is alone': ({ next, device }) => next('admin') !== 'list_del' || device.refcount.n === 0,
        'a life begins with nothing completed': ({ next, device }) => next('admin') !== 'refcount_set' || device.comp.done === 0,
      },
      sometimes: {
        'the first life waits for its user': ({ next, result }) =>
          next('admin') === 'wait_for_completion' && result(first_life) === undefined,
        'the second life waits for its user': ({ next, result }) =>
          next('admin') === 'wait_for_completion' && result(second_life) === 0,
        'both lives have had a user': ({ result }) =>
          result(second_life) === 0 && typeof result(fd) === 'object' && typeof result(next_fd) === 'object',
      },
      leaks: {
        'vfio.device_idr': ({ vfio }) => Object.keys(vfio.device_idr.entries).length,
        'vfio.device_class': ({ vfio }) => Object.keys(vfio.device_class.nodes).length,
        'vfio.device_list': ({ vfio }) => vfio.device_list.entries.length,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
    'completed-for-all': variant({
      summary: 'What would break: the last put wakes with complete_all(), which nobody consumes.',
      objects,
      start: inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
      threads: threads(completeAll),
      always: {
        'who takes the device off is alone': ({ next, device }) => next('admin') !== 'list_del' || device.refcount.n === 0,
      },
      sometimes: {
        'a life begins with everything completed': ({ next, device }) => next('admin') === 'refcount_set' && device.comp.done > 0,
      },
      expect: [
        { kind: 'invariant', object: 'device.refcount', between: ['refcount_inc_not_zero', 'refcount_dec_and_test'] },
        // It does not wait for who has put the last reference, and is about to say so, either.
        { kind: 'use-after-free', object: 'device', between: ['kfree', 'complete_all'] },
      ],
      leadsTo: [{ kind: 'use-after-free', object: 'device', between: ['kfree', 'load'] }],
    }),
    'unregistered-twice': variant({
      summary: 'Two tasks unregister one device, and it is registered again.',
      assumes: 'A driver unregisters its device twice: the driver core calls a remove once, so that only a broken driver does.',
      objects,
      start: inRfc.registered('vfio_pci', { devices: [{ device: 'device', dev: 'dev', name: NAME, minor: 0 }] }),
      threads: ({ vfio, device }) => ({
        a: [
          call(rfc.vfio_unregister_device, vfio, device).into(first_life),
          call(rfc.vfio_register_device, vfio, device, rfc.VFIO_DEVNODE_NONGROUP).into(second_life),
        ],
        b: [call(rfc.vfio_unregister_device, vfio, device)],
        user: [call(rfc.openDevice, vfio, NAME).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
      }),
      sometimes: {
        'the device is registered, and its count is the poison of the life before': ({ result, device }) =>
          result(second_life) === 0 && device.refcount.n < 0,
      },
      expect: [{ kind: 'refcount', object: 'device.refcount', between: ['refcount_dec_and_test', 'refcount_dec_and_test'] }],
      leadsTo: [
        { kind: 'refcount', object: 'device.refcount', between: ['refcount_dec_and_test', 'refcount_inc_not_zero'] },
        { kind: 'starvation', object: 'device.comp' },
      ],
    }),
  },
});
