/**
 * drivers/pci/pci.c, v3.12 to v4.12: resets that wait for the lock of the device, and, since v3.14, others that try. Either
 * way configuration is saved before, and restored after, without the lock. Read in a copy of v4.1.
 *
 * Left out: slots and subordinate buses; power states; the callbacks of drivers around a reset, of which vfio-pci has none.
 */
import type { Mutex } from '../../../machines/sync/mutex.ts';
import { access, might_sleep, type Operation } from '../../step.ts';
import { load } from '../../sync/memory.ts';
import { EAGAIN, ENOTTY } from '../../vfio/errno.ts';
import { device_lock, device_unlock } from '../core.ts';
import {
  __pci_reset_function_locked as __pci_dev_reset,
  type Bus,
  device_trylock,
  eachDevice,
  pci_bridge_secondary_bus_reset,
  pci_bus_restore,
  pci_bus_save_and_disable,
  pci_bus_trylock,
  pci_cfg_access_trylock,
  pci_cfg_access_unlock,
  pci_dev_save_and_disable,
  pci_probe_reset_bus,
  pci_restore_state,
  type PciDevice,
} from '../pci.ts';

const lockCfg = access<Mutex, 'mutex_lock'>('acquire', 'mutex_lock', { c: 'pci_cfg_access_lock(&$)' });

function* pci_dev_lock(dev: PciDevice): Operation {
  yield* lockCfg(dev.block_cfg_access);
  yield* device_lock(dev);
}

function* pci_dev_trylock(dev: PciDevice): Operation<boolean> {
  if (yield* pci_cfg_access_trylock(dev)) {
    if (yield* device_trylock(dev)) return true;
    yield* pci_cfg_access_unlock(dev);
  }
  return false;
}

function* pci_dev_unlock(dev: PciDevice): Operation {
  yield* device_unlock(dev);
  yield* pci_cfg_access_unlock(dev);
}

const each = (bus: Bus, one: (dev: PciDevice) => Operation): Operation<undefined> =>
  eachDevice(bus, function* (dev) {
    yield* one(dev);
    return undefined;
  });

/** pci_dev_reset() with `probe` set. */
function* probeReset(dev: PciDevice): Operation<number> {
  return (yield* load(dev.reset_supported)) ? 0 : -ENOTTY;
}

/** pci_dev_reset() without. */
export function* __pci_reset_function(dev: PciDevice): Operation<number> {
  yield* pci_dev_lock(dev);
  const rc = yield* __pci_dev_reset(dev);
  yield* pci_dev_unlock(dev);
  return rc;
}

export function* pci_reset_function(dev: PciDevice): Operation<number> {
  const no = yield* probeReset(dev);
  if (no !== 0) return no;
  yield* pci_dev_save_and_disable(dev);
  const rc = yield* __pci_reset_function(dev);
  yield* pci_restore_state(dev);
  return rc;
}

export function* pci_try_reset_function(dev: PciDevice): Operation<number> {
  const no = yield* probeReset(dev);
  if (no !== 0) return no;
  let rc = -EAGAIN;
  yield* pci_dev_save_and_disable(dev);
  if (yield* pci_dev_trylock(dev)) {
    rc = yield* __pci_dev_reset(dev);
    yield* pci_dev_unlock(dev);
  }
  yield* pci_restore_state(dev);
  return rc;
}

export function* pci_reset_bus(bus: Bus): Operation<number> {
  const no = yield* pci_probe_reset_bus(bus);
  if (no !== 0) return no;
  yield* pci_bus_save_and_disable(bus);
  yield* each(bus, pci_dev_lock);
  yield* might_sleep();
  yield* pci_bridge_secondary_bus_reset(bus);
  yield* each(bus, pci_dev_unlock);
  yield* pci_bus_restore(bus);
  return 0;
}

export function* pci_try_reset_bus(bus: Bus): Operation<number> {
  const no = yield* pci_probe_reset_bus(bus);
  if (no !== 0) return no;
  let rc = -EAGAIN;
  yield* pci_bus_save_and_disable(bus);
  if (yield* pci_bus_trylock(bus, pci_dev_trylock, pci_dev_unlock)) {
    yield* might_sleep();
    rc = yield* pci_bridge_secondary_bus_reset(bus);
    yield* each(bus, pci_dev_unlock);
  }
  yield* pci_bus_restore(bus);
  return rc;
}
