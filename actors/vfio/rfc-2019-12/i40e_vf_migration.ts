/**
 * drivers/net/ethernet/intel/i40e/i40e_vf_migration.c, RFC 7/9 and 8/9 of December 2019: a provider that is bound to a
 * physical function, takes the virtual functions of it, and answers for their migration region. It registers once for each
 * physical function, and clears its table each time.
 *
 * Left out: allocations that fail, a table that is full, the registers of the migration region beside device_state and
 * data_size, the dirty bitmap itself, and a pointer into the state of the physical function that is computed and not used.
 */
import type { MediatedDev, MediateProvider, PciDev } from '../../../machines/vfio/rfc-2019-12/index.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { delete_module, module_text, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EFAULT, EINVAL, ENODEV } from '../errno.ts';
import { addDevice, clearTable, deviceAt, isHandleValid, passedThrough, releaseDevice } from './igd_dt.ts';
import {
  type Access,
  type CapType,
  type Handled,
  type RegionInfo,
  VFIO_PCI_DEVICE_CAP_MIGRATION,
  VFIO_REGION_INFO_FLAG_CAPS,
  VFIO_REGION_INFO_FLAG_MMAP,
  VFIO_REGION_INFO_FLAG_READ,
  VFIO_REGION_INFO_FLAG_WRITE,
  type VfioPciDriver,
  type VfioPciMediateOps,
} from './mediate_ops.ts';
import { VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_NUM_REGIONS } from './vfio_pci.ts';

export interface I40e {
  readonly self: MediateProvider;
  readonly pool: MediatedDev;
  /** Of the physical function: the virtual ones, which C finds by their numbers on the bus. */
  readonly vfs: readonly PciDev[];
}

const MIGRATION_REGION_SIZE = 0x11000;
const RW = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
const handled = (ret: number): Handled => ({ pt: false, ret });
const isDevRegion = (index: number): boolean => index >= VFIO_PCI_NUM_REGIONS;

/** Who is not one of its functions is refused, and the module stays held. */
function* i40e_vf_migration_open(
  { self, pool, vfs }: I40e,
  pdev: PciDev,
): Operation<{ ret: number; caps: number; handle: number }> {
  if (!(yield* try_module_get(self.module))) return { ret: -ENODEV, caps: 0, handle: 0 };
  const pf_dev = (yield* load(pdev.physfn)) as PciDev;
  yield* load(pf_dev.driver_data);
  if (!vfs.includes(pdev)) return { ret: -EINVAL, caps: 0, handle: 0 };
  yield* mutex_lock(self.device_bit_lock);
  const handle = yield* addDevice(self, pool);
  yield* mutex_unlock(self.device_bit_lock);
  return { ret: 0, caps: VFIO_PCI_DEVICE_CAP_MIGRATION, handle };
}

function* i40e_vf_migration_release({ self }: I40e, handle: number): Operation {
  yield* releaseDevice(self, handle);
  yield* module_text(self.module, 'return');
}

function* is_handle_valid({ self }: I40e, handle: number): Operation<boolean> {
  yield* mutex_lock(self.device_bit_lock);
  const valid = yield* isHandleValid(self, handle);
  yield* mutex_unlock(self.device_bit_lock);
  return valid;
}

/** The table is read without its lock. */
function* deviceOf({ self }: I40e, handle: number): Operation<MediatedDev> {
  return (yield* deviceAt(self, handle)) as MediatedDev;
}

function* i40e_vf_migration_get_region_info(
  i40e: I40e,
  handle: number,
  info: RegionInfo,
  cap_type: CapType | null,
): Operation<RegionInfo> {
  if (!(yield* is_handle_valid(i40e, handle))) return info;
  if (info.index === VFIO_PCI_BAR0_REGION_INDEX) return { ...info, flags: RW };
  if (!isDevRegion(info.index) || cap_type === null) return info;
  const dev = yield* deviceOf(i40e, handle);
  yield* store(dev.migration_region_index, info.index);
  return {
    ...info,
    size: MIGRATION_REGION_SIZE,
    flags: VFIO_REGION_INFO_FLAG_CAPS | RW | VFIO_REGION_INFO_FLAG_MMAP,
    caps: [...info.caps, 'sparse mmap'],
  };
}

function* set_device_state(dev: MediatedDev, state: number): Operation {
  if (state === (yield* load(dev.device_state))) return;
  yield* store(dev.device_state, state);
}

/** device_state can be written and not read. */
function* i40e_vf_migration_region_rw(dev: MediatedDev, { pos, write }: Access): Operation<Handled> {
  if (pos === 'device_state') {
    if (write === undefined) return handled(-EFAULT);
    yield* set_device_state(dev, write);
    return handled(0);
  }
  if (pos !== 'data_size') return handled(-EFAULT);
  if (write === undefined) return handled(yield* load(dev.data_size));
  yield* store(dev.data_size, write);
  return handled(0);
}

function* i40e_vf_migration_rw(i40e: I40e, handle: number, access: Access): Operation<Handled> {
  if (!(yield* is_handle_valid(i40e, handle))) return passedThrough;
  const dev = yield* deviceOf(i40e, handle);
  if (!isDevRegion(access.index) || access.index !== (yield* load(dev.migration_region_index))) return passedThrough;
  return yield* i40e_vf_migration_region_rw(dev, access);
}

function* i40e_vf_migration_mmap(i40e: I40e, handle: number, index: number): Operation<Handled> {
  if (!(yield* is_handle_valid(i40e, handle))) return passedThrough;
  const dev = yield* deviceOf(i40e, handle);
  if (index !== (yield* load(dev.migration_region_index))) return passedThrough;
  yield* store(dev.dirty_bitmap_is_mapped, true);
  return handled(0);
}

export const i40e_vf_migration_ops = (i40e: I40e): VfioPciMediateOps => ({
  open: (pdev) => i40e_vf_migration_open(i40e, pdev),
  release: (handle) => i40e_vf_migration_release(i40e, handle),
  get_region_info: (handle, info, cap_type) => i40e_vf_migration_get_region_info(i40e, handle, info, cap_type),
  rw: (handle, access) => i40e_vf_migration_rw(i40e, handle, access),
  mmap: (handle, index) => i40e_vf_migration_mmap(i40e, handle, index),
});

/** At the end of the probe of a physical function. What the registration returns is not asked. */
export function* i40e_vf_migration_register(driver: VfioPciDriver, self: MediateProvider): Operation<number> {
  yield* clearTable(self);
  yield* driver.design.register(driver, self);
  return 0;
}

/** At the beginning of its remove. */
export const i40e_vf_migration_unregister = (driver: VfioPciDriver, self: MediateProvider): Operation =>
  driver.design.unregister(driver, self);

/** rmmod, with one physical function bound. */
export const i40e_unload = (driver: VfioPciDriver, self: MediateProvider): Operation<number> =>
  delete_module(self.module, () => i40e_vf_migration_unregister(driver, self));
