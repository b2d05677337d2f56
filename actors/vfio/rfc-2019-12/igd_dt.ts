/**
 * samples/vfio-pci/igd_dt.c, RFC 5/9 of December 2019: a provider that is bound to nothing, knows its devices by a list of
 * ids, and lets everything through. It holds itself while one of them is open.
 *
 * Left out: an allocation that fails, and a table that is full.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { MediatedDev, MediateProvider, PciDev } from '../../../machines/vfio/rfc-2019-12/index.ts';
import { isNull } from '../../driver-core/pointer.ts';
import { kfree, kzalloc, type Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { delete_module, module_put, module_text, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { ENODEV } from '../errno.ts';
import type { Handled, VfioPciDriver, VfioPciMediateOps } from './mediate_ops.ts';

type Opened = { readonly ret: number; readonly caps: number; readonly handle: number };
const refused = (ret: number): Opened => ({ ret, caps: 0, handle: 0 });
export const passedThrough: Handled = { pt: true, ret: 0 };

/* ---- the table of open devices, which igd_dt.c and i40e_vf_migration.c have alike ---- */

export function* deviceAt({ device_array }: MediateProvider, handle: number): Operation<MediatedDev | Null> {
  return (yield* load(device_array))[handle] ?? NULL;
}

function* setDevice({ device_array }: MediateProvider, handle: number, dev: MediatedDev | Null): Operation {
  const array = [...(yield* load(device_array))];
  array[handle] = dev;
  yield* store(device_array, array);
}

/** find_next_zero_bit() */
const lowestFree = (bits: readonly number[]): number => [...bits.keys(), bits.length].find((bit) => !bits.includes(bit)) ?? 0;

/** Under the lock. @param pool of what is allocated for each device */
export function* addDevice(self: MediateProvider, pool: MediatedDev): Operation<number> {
  const bits = yield* load(self.device_bits);
  const handle = lowestFree(bits);
  const dev = yield* kzalloc(pool);
  yield* store(dev.handle, handle);
  yield* setDevice(self, handle, dev);
  yield* store(
    self.device_bits,
    [...bits, handle].toSorted((a, b) => a - b),
  );
  return handle;
}

/** Under the lock. */
export function* isHandleValid(self: MediateProvider, handle: number): Operation<boolean> {
  return !isNull(yield* deviceAt(self, handle)) && (yield* load(self.device_bits)).includes(handle);
}

/** A handle that is not known is a line in the log, and no more. */
export function* releaseDevice(self: MediateProvider, handle: number): Operation {
  yield* mutex_lock(self.device_bit_lock);
  if (!(yield* isHandleValid(self, handle))) {
    yield* mutex_unlock(self.device_bit_lock);
    return;
  }
  const dev = yield* deviceAt(self, handle);
  yield* setDevice(self, handle, NULL);
  yield* store(
    self.device_bits,
    (yield* load(self.device_bits)).filter((bit) => bit !== handle),
  );
  yield* mutex_unlock(self.device_bit_lock);
  yield* kfree(dev);
  yield* module_put(self.module);
}

/** Both begin with an empty table. */
export function* clearTable(self: MediateProvider): Operation {
  yield* store(self.device_bits, []);
  yield* store(self.device_array, []);
}

/* ---- igd_dt.c ---- */

export interface IgdDt {
  readonly self: MediateProvider;
  readonly pool: MediatedDev;
  /** Those in its list of ids. */
  readonly supports: readonly PciDev[];
}

function* igd_dt_open({ self, pool, supports }: IgdDt, pdev: PciDev): Operation<Opened> {
  if (!(yield* try_module_get(self.module))) return refused(-ENODEV);
  if (!supports.includes(pdev)) {
    yield* module_put(self.module);
    return refused(-ENODEV);
  }
  yield* mutex_lock(self.device_bit_lock);
  const handle = yield* addDevice(self, pool);
  yield* mutex_unlock(self.device_bit_lock);
  return { ret: 0, caps: 0, handle };
}

function* igd_dt_release({ self }: IgdDt, handle: number): Operation {
  yield* releaseDevice(self, handle);
  yield* module_text(self.module, 'return');
}

export const igd_dt_ops = (igd: IgdDt): VfioPciMediateOps => ({
  open: (pdev) => igd_dt_open(igd, pdev),
  release: (handle) => igd_dt_release(igd, handle),
  *get_region_info(_handle, info) {
    return info;
  },
  *rw() {
    return passedThrough;
  },
  *mmap() {
    return passedThrough;
  },
});

/** insmod: module_init() of a provider that is bound to nothing. */
export function* igd_dt_init(driver: VfioPciDriver, self: MediateProvider): Operation<number> {
  yield* clearTable(self);
  yield* driver.design.register(driver, self);
  return 0;
}

/** rmmod. */
export const igd_dt_unload = (driver: VfioPciDriver, self: MediateProvider): Operation<number> =>
  delete_module(self.module, () => driver.design.unregister(driver, self));
