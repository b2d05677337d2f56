/**
 * drivers/vfio/pci/vfio_pci.c, v5.4 with RFC 1/9 of December 2019 as posted, and RFC 2/9 and 3/9 where a scenario has them.
 *
 * Left out: interrupts, ioeventfds, resets that user space asks for, the configuration that is saved, restored and
 * virtualised, spapr, the sizes of BARs other than the first, the reflck's own lifetime, what vfio_pci_disable() does for the
 * other devices of the bus, and a lock of the device that is held, for which its reset fails and the open as it does where the
 * device cannot be enabled. None of them is chained to the mediate ops or looks at what these change.
 *
 * `vdev->mediate_ops && vdev->mediate_ops->rw` is one read of the pointer, which stays as it is while the device is open.
 */
import { type Handle, handleAt, NULL, type Null } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { PciDev, Regops, VfioPciDevice, VfioPciRegion, VfioPciRegops } from '../../../machines/vfio/rfc-2019-12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, choose, kfree, kzalloc, message, moves, type Operation, send } from '../../step.ts';
import { atomic_dec_return, atomic_inc_return } from '../../sync/atomic.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import {
  type Access,
  enterOp,
  type CapType,
  hasOp,
  type RegionInfo,
  VFIO_PCI_DEVICE_CAP_MIGRATION,
  VFIO_REGION_INFO_FLAG_CAPS,
  VFIO_REGION_INFO_FLAG_MMAP,
  VFIO_REGION_INFO_FLAG_READ,
  VFIO_REGION_INFO_FLAG_WRITE,
  type VfioPciDriver,
} from './mediate_ops.ts';

export const VFIO_PCI_BAR0_REGION_INDEX = 0;
export const VFIO_PCI_CONFIG_REGION_INDEX = 7;
/** What a driver adds comes after these. */
export const VFIO_PCI_NUM_REGIONS = 9;
const VFIO_REGION_TYPE_MIGRATION = 3;
const VFIO_REGION_SUBTYPE_MIGRATION = 1;
const READ_WRITE = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;

const moved = (vdev: VfioPciDevice, event: 'enabled' | 'disabled') => moves(vdev.chart, event);

/* ---- the regions of a driver ---- */

/** @param region a pool: the array has no other element */
function* vfio_pci_register_dev_region(
  vdev: VfioPciDevice,
  { type, subtype }: CapType,
  ops: VfioPciRegops | Null,
  size: number,
  flags: number,
  pool: VfioPciRegion,
): Operation<number> {
  const region = yield* kzalloc(pool);
  yield* store(vdev.region, region);
  yield* store(region.type, type);
  yield* store(region.subtype, subtype);
  yield* store(region.ops, ops);
  yield* store(region.size, size);
  yield* store(region.flags, flags);
  yield* store(vdev.num_regions, (yield* load(vdev.num_regions)) + 1);
  return 0;
}

/** RFC 3/9. What comes of it is not asked. */
export function* init_migration_region({ series }: VfioPciDriver, vdev: VfioPciDevice, caps: number): Operation {
  const region = series?.migrationRegion;
  if (region === undefined || (caps & VFIO_PCI_DEVICE_CAP_MIGRATION) === 0) return;
  const type = { type: VFIO_REGION_TYPE_MIGRATION, subtype: VFIO_REGION_SUBTYPE_MIGRATION };
  yield* vfio_pci_register_dev_region(vdev, type, region.ops ?? NULL, 0, READ_WRITE, region.region);
}

/** `vdev->region[i].ops && vdev->region[i].ops->rw`, as RFC 2/9 asks. */
function* hasOps(region: VfioPciRegion, name: keyof Regops): Operation<boolean> {
  const ops = yield* load(region.ops);
  return !isNull(ops) && (yield* load(ops.fns))[name];
}

/** `vdev->region[i].ops->release(…)`. What such a function does is left out. */
function* callOf(region: VfioPciRegion, name: keyof Regops): Operation {
  const fns = yield* load((yield* follow(region.ops)).fns);
  if (!fns[name]) yield* load(handleAt<VfioPciRegops>(NULL.path).fns);
}

const tests = ({ series }: VfioPciDriver): boolean => (series?.testsRegionOps ?? 'no') !== 'no';

function* releaseRegion(driver: VfioPciDriver, vdev: VfioPciDevice): Operation {
  const region = yield* follow(vdev.region);
  if (tests(driver)) {
    const ops = yield* load(region.ops);
    const skipsIt = driver.series?.testsRegionOps === 'as posted';
    if (isNull(ops) || (yield* load(ops.fns)).release === skipsIt) return;
  }
  yield* callOf(region, 'release');
}

/* ---- open and release ---- */

/** drivers/pci/pci.c. Left out: that the device may not do it. */
const pci_set_power_state = (pdev: PciDev, state: 'D0' | 'D3hot'): Operation => store(pdev.current_state, state);

/** Of the device, and not of memory: such accesses are no data race. */
const writes = <T>(to: Handle<Field<T>>, value: T, c: string): Operation =>
  send(message<Field<T>, 'store'>('write', to, 'store', { value }, { c }));
const reads = <T>(from: Handle<Field<T>>, c: string): Operation<T> =>
  send<T>(message<Field<T>, 'load'>('read', from, 'load', undefined, { c }));
const pci_clear_master = (pdev: PciDev): Operation => writes(pdev.is_busmaster, false, 'pci_clear_master(pdev)');
const pci_reset_function = (pdev: PciDev): Operation => writes(pdev.bar0, 0, '__pci_reset_function_locked(pdev)');

function* vfio_pci_enable(driver: VfioPciDriver, vdev: VfioPciDevice): Operation<number> {
  const pdev = yield* follow(vdev.pdev);
  yield* pci_set_power_state(pdev, 'D0');
  yield* pci_clear_master(pdev);
  if (driver.mayFailToEnable && (yield* choose('pci_enable_device()', 'ok', 'fails')) === 'fails') return -EINVAL;
  yield* along(atomic_inc_return(pdev.enable_cnt), moved(vdev, 'enabled'));
  yield* pci_reset_function(pdev);
  return 0;
}

function* vfio_pci_disable(driver: VfioPciDriver, vdev: VfioPciDevice): Operation {
  const pdev = yield* follow(vdev.pdev);
  yield* pci_clear_master(pdev);
  const num_regions = yield* load(vdev.num_regions);
  for (let i = 0; i < num_regions; i++) yield* releaseRegion(driver, vdev);
  yield* store(vdev.num_regions, 0);
  yield* kfree(yield* load(vdev.region));
  yield* store<VfioPciRegion | Null>(vdev.region, NULL);
  yield* pci_reset_function(pdev);
  yield* along(atomic_dec_return(pdev.enable_cnt), moved(vdev, 'disabled'));
  yield* pci_set_power_state(pdev, 'D3hot');
}

export function* vfio_pci_release(driver: VfioPciDriver, vdev: VfioPciDevice): Operation {
  const { vfio_pci, design } = driver;
  const reflck = yield* follow(vdev.reflck);
  yield* mutex_lock(reflck.lock);
  const refcnt = (yield* load(vdev.refcnt)) - 1;
  yield* store(vdev.refcnt, refcnt);
  if (refcnt === 0) {
    if (design.beforeDisable) yield* design.beforeDisable(driver, vdev);
    yield* vfio_pci_disable(driver, vdev);
    if (design.afterDisable) yield* design.afterDisable(driver, vdev);
  }
  yield* mutex_unlock(reflck.lock);
  yield* module_put(vfio_pci.module);
}

export function* vfio_pci_open(driver: VfioPciDriver, vdev: VfioPciDevice): Operation<number> {
  const { vfio_pci, design } = driver;
  if (!(yield* try_module_get(vfio_pci.module))) return -ENODEV;
  const reflck = yield* follow(vdev.reflck);
  function* toError(ret: number): Operation<number> {
    yield* mutex_unlock(reflck.lock);
    if (ret !== 0) yield* module_put(vfio_pci.module);
    return ret;
  }
  yield* mutex_lock(reflck.lock);
  let ret = 0;
  if ((yield* load(vdev.refcnt)) === 0) {
    ret = yield* vfio_pci_enable(driver, vdev);
    if (ret !== 0) return yield* toError(ret);
    ret = yield* design.find(driver, vdev);
  }
  yield* store(vdev.refcnt, (yield* load(vdev.refcnt)) + 1);
  return yield* toError(ret);
}

/* ---- what user space does with an open device ---- */

function* mediatedInfo(
  driver: VfioPciDriver,
  vdev: VfioPciDevice,
  info: RegionInfo,
  cap_type: CapType | null,
): Operation<RegionInfo> {
  const ops = yield* load(vdev.mediate_ops);
  if (isNull(ops) || !(yield* hasOp(driver, ops, 'get_region_info'))) return info;
  const called = yield* follow(vdev.mediate_ops);
  const handle = yield* load(vdev.mediate_handle);
  return yield* (yield* enterOp(driver, called, 'get_region_info'))(handle, info, cap_type);
}

/** An empty BAR is offered to nobody. */
function* barInfo(driver: VfioPciDriver, vdev: VfioPciDevice, index: number): Operation<RegionInfo> {
  if (index !== VFIO_PCI_BAR0_REGION_INDEX) return { index, size: 0, flags: 0, caps: [] };
  const info = { index, size: 0x1000, flags: READ_WRITE | VFIO_REGION_INFO_FLAG_MMAP, caps: [] };
  return yield* mediatedInfo(driver, vdev, info, null);
}

/** The regions that a driver has added. */
function* devRegionInfo(driver: VfioPciDriver, vdev: VfioPciDevice, index: number): Operation<RegionInfo | number> {
  if (index >= VFIO_PCI_NUM_REGIONS + (yield* load(vdev.num_regions))) return -EINVAL;
  const region = yield* follow(vdev.region);
  const info = { index, size: yield* load(region.size), flags: yield* load(region.flags), caps: ['type'] };
  const cap_type = { type: yield* load(region.type), subtype: yield* load(region.subtype) };
  if (!tests(driver) || (yield* hasOps(region, 'add_capability'))) yield* callOf(region, 'add_capability');
  return yield* mediatedInfo(driver, vdev, info, cap_type);
}

/** VFIO_DEVICE_GET_REGION_INFO. @returns what it tells, or a negative errno */
export function* vfio_pci_get_region_info(
  driver: VfioPciDriver,
  vdev: VfioPciDevice,
  index: number,
): Operation<RegionInfo | number> {
  const info =
    index === VFIO_PCI_CONFIG_REGION_INDEX
      ? yield* mediatedInfo(driver, vdev, { index, size: 256, flags: READ_WRITE, caps: [] }, null)
      : index < VFIO_PCI_CONFIG_REGION_INDEX
        ? yield* barInfo(driver, vdev, index)
        : yield* devRegionInfo(driver, vdev, index);
  if (typeof info === 'number' || info.caps.length === 0) return info;
  return { ...info, flags: info.flags | VFIO_REGION_INFO_FLAG_CAPS };
}

/** Of the configuration there is bus mastering, which user space may turn on. */
function* vfio_pci_config_rw(pdev: PciDev, { write }: Access): Operation<number> {
  if (write === undefined) return Number(yield* reads(pdev.is_busmaster, 'pci_read_config_word(pdev, PCI_COMMAND)'));
  yield* writes(pdev.is_busmaster, write !== 0, 'pci_write_config_word(pdev, PCI_COMMAND)');
  return 0;
}

function* vfio_pci_bar_rw(pdev: PciDev, { write }: Access): Operation<number> {
  if (write === undefined) return yield* reads(pdev.bar0, 'ioread32(bar0)');
  yield* writes(pdev.bar0, write, `iowrite32(${write}, bar0)`);
  return 0;
}

/** @returns what was read, or 0 for what was written, where C returns how much it was; or a negative errno */
export function* vfio_pci_rw(driver: VfioPciDriver, vdev: VfioPciDevice, access: Access): Operation<number> {
  const { index } = access;
  if (index >= VFIO_PCI_NUM_REGIONS + (yield* load(vdev.num_regions))) return -EINVAL;

  const ops = yield* load(vdev.mediate_ops);
  if (!isNull(ops) && (yield* hasOp(driver, ops, 'rw'))) {
    const called = yield* follow(vdev.mediate_ops);
    const handle = yield* load(vdev.mediate_handle);
    const { pt, ret } = yield* (yield* enterOp(driver, called, 'rw'))(handle, access);
    if (!pt) return ret;
  }

  if (index === VFIO_PCI_CONFIG_REGION_INDEX) return yield* vfio_pci_config_rw(yield* follow(vdev.pdev), access);
  if (index < VFIO_PCI_NUM_REGIONS) return yield* vfio_pci_bar_rw(yield* follow(vdev.pdev), access);
  const region = yield* follow(vdev.region);
  if (tests(driver) && !(yield* hasOps(region, 'rw'))) return -EINVAL;
  yield* callOf(region, 'rw');
  return 0;
}

/** @returns 0 or a negative errno */
export function* vfio_pci_mmap(driver: VfioPciDriver, vdev: VfioPciDevice, index: number): Operation<number> {
  const ops = yield* load(vdev.mediate_ops);
  if (!isNull(ops) && (yield* hasOp(driver, ops, 'mmap'))) {
    const called = yield* follow(vdev.mediate_ops);
    const handle = yield* load(vdev.mediate_handle);
    const { pt, ret } = yield* (yield* enterOp(driver, called, 'mmap'))(handle, index);
    if (!pt) return ret;
  }
  // No region of a driver can be mapped here, and of the BARs only the first.
  if (index !== VFIO_PCI_BAR0_REGION_INDEX) return -EINVAL;
  yield* writes((yield* follow(vdev.pdev)).is_mapped, true, 'remap_pfn_range(vma)');
  return 0;
}
