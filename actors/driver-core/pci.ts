/**
 * drivers/pci/pci.c, bus.c, access.c and probe.c, v6.6: how a bus is walked, and how it and its functions are reset.
 *
 * A reset holds the lock of each device that it concerns, since no driver may come or go meanwhile. Who asks for one may
 * be somebody for whom the holder of such a lock waits, so it is tried for.
 *
 * Left out: slots and subordinate buses; power states; the callbacks of drivers around a reset, of which those of VFIO
 * have none; how long a reset takes; which of its methods a function has.
 */
import type { Handle } from '../../machines/object.ts';
import type { PciFunction, Saved } from '../../machines/driver-core/pci.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { ListHead, ListNode } from '../../machines/sync/list.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import type { Rwsem } from '../../machines/sync/rwsem.ts';
import { access, message, might_sleep, type Operation, send } from '../step.ts';
import { list_add_tail, list_for_each_entry } from '../sync/list.ts';
import { load } from '../sync/memory.ts';
import { down_read, down_write, up_read, up_write } from '../sync/rwsem.ts';
import { EAGAIN, ENOTTY } from '../vfio/errno.ts';
import { device_unlock } from './core.ts';

/** struct pci_dev of whatever era. */
export interface PciDevice {
  readonly path: string;
  readonly mutex: Handle<Mutex>;
  readonly function: Handle<PciFunction>;
  readonly block_cfg_access: Handle<Mutex>;
  readonly bus_list: Handle<ListNode>;
  readonly reset_supported: Handle<Field<boolean>>;
}

/** struct pci_bus of whatever era. */
export interface PciBusOf {
  readonly path: string;
  readonly pci_bus_sem: Handle<Rwsem>;
  readonly devices: Handle<ListHead>;
  readonly resettable: Handle<Field<boolean>>;
}

/** A bus, and what is plugged in there, whether or not Linux has found it. */
export interface Bus<D extends PciDevice = PciDevice> {
  readonly bus: PciBusOf;
  readonly functions: readonly D[];
}

/* ---- config space ---- */

/** An access is one transaction on the bus, which orders it. */
const config = { kind: 'update', orders: 'both' } as const;
const save = access<PciFunction, 'pci_save_state'>(config, 'pci_save_state');
const restore = access<PciFunction, 'pci_restore_state'>(config, 'pci_restore_state');
const copySaved = access<PciFunction, 'pci_store_saved_state'>(config, 'pci_store_saved_state');
const loadSaved = access<PciFunction, 'pci_load_saved_state'>(config, 'pci_load_saved_state', {
  c: 'pci_load_and_free_saved_state(&$)',
});
const command = (dev: PciDevice, memory: boolean, c: string): Operation =>
  send(message<PciFunction, 'pci_write_config_word'>(config, dev.function, 'pci_write_config_word', { memory }, { c }));

export const pci_save_state = (dev: PciDevice): Operation => save(dev.function);
export const pci_restore_state = (dev: PciDevice): Operation => restore(dev.function);
export const pci_store_saved_state = (dev: PciDevice): Operation<Saved> => copySaved(dev.function);
export const pci_load_saved_state = (dev: PciDevice, saved: Saved): Operation => loadSaved(dev.function, { saved });

/** `PCI_COMMAND_INTX_DISABLE` and nothing else: neither memory nor I/O nor bus mastering. */
export const pci_disable_command = (dev: PciDevice): Operation =>
  command(dev, false, 'pci_write_config_word(&$, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE)');
export const pci_enable_device = (dev: PciDevice): Operation => command(dev, true, 'pci_enable_device(&$)');

/* ---- locks ---- */

const trylock = access<Mutex, 'mutex_trylock'>({ kind: 'acquire', try: true }, 'mutex_trylock', { c: 'device_trylock(&$)' });
export const device_trylock = (dev: PciDevice): Operation<boolean> => trylock(dev.mutex);
const tryCfg = access<Mutex, 'mutex_trylock'>({ kind: 'acquire', try: true }, 'mutex_trylock', {
  c: 'pci_cfg_access_trylock(&$)',
});
export const pci_cfg_access_trylock = (dev: PciDevice): Operation<boolean> => tryCfg(dev.block_cfg_access);
const unlockCfg = access<Mutex, 'mutex_unlock'>('release', 'mutex_unlock', { c: 'pci_cfg_access_unlock(&$)' });
export const pci_cfg_access_unlock = (dev: PciDevice): Operation => unlockCfg(dev.block_cfg_access);

/** @returns whether it is locked */
export function* pci_dev_trylock(dev: PciDevice): Operation<boolean> {
  if (yield* device_trylock(dev)) {
    if (yield* pci_cfg_access_trylock(dev)) return true;
    yield* device_unlock(dev);
  }
  return false;
}

export function* pci_dev_unlock(dev: PciDevice): Operation {
  yield* pci_cfg_access_unlock(dev);
  yield* device_unlock(dev);
}

/** list_for_each_entry(dev, &bus->devices, bus_list) */
export const eachDevice = <D extends PciDevice, R>({ bus }: Bus<D>, body: (dev: D) => Operation<R>): Operation<R | undefined> =>
  list_for_each_entry<PciDevice, R>(bus.devices, 'bus_list', (dev) => body(dev as D));

/** The way back goes over the same devices: what has come to the list since stands behind them. */
export function* pci_bus_trylock(bus: Bus, lock = pci_dev_trylock, unlock = pci_dev_unlock): Operation<boolean> {
  const locked: PciDevice[] = [];
  const refused = yield* eachDevice(bus, function* (dev) {
    if (!(yield* lock(dev))) return true;
    locked.unshift(dev);
    return undefined;
  });
  if (refused === undefined) return true;
  for (const dev of locked) yield* unlock(dev);
  return false;
}

const pci_bus_unlock = (bus: Bus): Operation<undefined> =>
  eachDevice(bus, function* (dev) {
    yield* pci_dev_unlock(dev);
    return undefined;
  });

/* ---- reset ---- */

export function* pci_dev_save_and_disable(dev: PciDevice): Operation {
  yield* pci_save_state(dev);
  yield* pci_disable_command(dev);
}

export const pci_bus_save_and_disable = (bus: Bus): Operation<undefined> =>
  eachDevice(bus, function* (dev) {
    yield* pci_dev_save_and_disable(dev);
    return undefined;
  });

export const pci_bus_restore = (bus: Bus): Operation<undefined> =>
  eachDevice(bus, function* (dev) {
    yield* pci_restore_state(dev);
    return undefined;
  });

const resets = (type: 'reset_begins' | 'reset_ends', c: string, [dev, ...others]: readonly PciDevice[]): Operation => {
  if (dev === undefined) throw new TypeError('a reset of nothing');
  const of = ({ function: it }: PciDevice) => message<PciFunction, typeof type>(config, it, type, undefined, { c });
  return send(of(dev), ...others.map(of));
};

/** The bridge control register, which every function below feels, known to Linux or not. */
export function* pci_bridge_secondary_bus_reset({ functions }: Bus): Operation<number> {
  yield* resets('reset_begins', 'pci_reset_secondary_bus(): ctrl |= PCI_BRIDGE_CTL_BUS_RESET', functions);
  yield* resets('reset_ends', 'pci_reset_secondary_bus(): ctrl &= ~PCI_BRIDGE_CTL_BUS_RESET', functions);
  return 0;
}

/** Of one function, by whatever method it has. */
export function* __pci_reset_function_locked(dev: PciDevice): Operation<number> {
  yield* might_sleep();
  yield* resets('reset_begins', 'pcie_flr($)', [dev]);
  yield* resets('reset_ends', 'pci_dev_wait($)', [dev]);
  return 0;
}

export function* pci_probe_reset_bus({ bus }: Bus): Operation<number> {
  return (yield* load(bus.resettable)) ? 0 : -ENOTTY;
}

/** By way of __pci_reset_bus(). */
export function* pci_reset_bus(bus: Bus): Operation<number> {
  let rc = yield* pci_probe_reset_bus(bus);
  if (rc !== 0) return rc;
  if (yield* pci_bus_trylock(bus)) {
    yield* pci_bus_save_and_disable(bus);
    yield* might_sleep();
    rc = yield* pci_bridge_secondary_bus_reset(bus);
    yield* pci_bus_restore(bus);
    yield* pci_bus_unlock(bus);
  } else rc = -EAGAIN;
  return rc;
}

export function* pci_try_reset_function(dev: PciDevice): Operation<number> {
  if (!(yield* load(dev.reset_supported))) return -ENOTTY;
  if (!(yield* pci_dev_trylock(dev))) return -EAGAIN;
  yield* pci_dev_save_and_disable(dev);
  const rc = yield* __pci_reset_function_locked(dev);
  yield* pci_restore_state(dev);
  yield* pci_dev_unlock(dev);
  return rc;
}

/* ---- the bus ---- */

/** @returns what the first callback returned that did not return 0 */
export function* pci_walk_bus<D extends PciDevice>(bus: Bus<D>, cb: (dev: D) => Operation<number>): Operation<number> {
  yield* down_read(bus.bus.pci_bus_sem);
  const ret = yield* eachDevice(bus, function* (dev: D) {
    const failed = yield* cb(dev);
    return failed === 0 ? undefined : failed;
  });
  yield* up_read(bus.bus.pci_bus_sem);
  return ret ?? 0;
}

/** Of a device that was plugged in, what makes it visible to who walks the bus. */
export function* pci_device_add({ bus }: Bus, dev: PciDevice): Operation {
  yield* down_write(bus.pci_bus_sem);
  yield* list_add_tail(dev.bus_list, bus.devices);
  yield* up_write(bus.pci_bus_sem);
}
