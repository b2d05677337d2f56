/**
 * drivers/vfio/pci/vfio_pci_core.c, v6.6: open and close, mappings of BARs, and the resets that a user may ask for.
 *
 * The memory_lock of a device is held for writing while it is reset or its memory is turned off, and for reading while a
 * mapping of it is made: so who resets zaps the mappings first, and faults wait until he has done. The order is mmap_lock,
 * vma_lock, memory_lock. A reset of a set would take the mmap_lock within a memory_lock, and many locks of one class;
 * it tries for all of them.
 *
 * What is reset together is in a set, whose lock is held over open and close of its devices and over their reset. Read in
 * copies from shortly before v5.16 and after v6.10, between which mappings are handled as here up to v6.9; the hot reset in
 * one from between v6.6 and v6.9, too.
 *
 * Left out: slots; subordinate buses; power states and runtime power management; bus mastering, and so pci_clear_master()
 * and pci_disable_device(), which leave the decoding of memory as it is; EEH; interrupts, ioeventfds, device specific regions
 * and VGA; the hot reset of a cdev, whose owner is told by an iommufd and not by groups; copies from and to user space and
 * allocations that fail. The vma_list holds the vmas themselves: see the struct.
 */
import type { MmStruct, VmAreaStruct } from '../../../machines/driver-core/mm.ts';
import type { Saved } from '../../../machines/driver-core/pci.ts';
import { type Json, NULL, type Null } from '../../../machines/object.ts';
import type { CoreDevice, PciDev, VfioPciCoreDevice } from '../../../machines/vfio/v6.6/pci.ts';
import type {
  Device,
  GroupFile,
  Vfio,
  VfioDevice,
  VfioDeviceFile,
  VfioDeviceSet,
  VfioGroup,
} from '../../../machines/vfio/v6.6/index.ts';
import { iommu_group_get, iommu_group_put } from '../../driver-core/iommu.ts';
import {
  type Fault,
  io_remap_pfn_range,
  mmap_read_lock,
  mmap_read_trylock,
  mmap_read_unlock,
  mmget_not_zero,
  mmput,
  readMapped,
  zap_vma_ptes,
} from '../../driver-core/mm.ts';
import {
  __pci_reset_function_locked,
  type Bus,
  pci_dev_trylock,
  pci_dev_unlock,
  pci_disable_command,
  pci_enable_device,
  pci_load_saved_state,
  pci_probe_reset_bus,
  pci_reset_bus,
  pci_restore_state,
  pci_save_state,
  pci_store_saved_state,
  pci_try_reset_function,
  pci_walk_bus,
} from '../../driver-core/pci.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { type Again, again, loop, type Operation } from '../../step.ts';
import { fput, get_file_rcu } from '../../sync/file.ts';
import {
  list_add,
  list_del,
  list_empty,
  list_first_entry_or_null,
  list_for_each_entry,
  list_for_each_entry_safe,
} from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../sync/mutex.ts';
import { down_read, down_write, down_write_trylock, up_read, up_write } from '../../sync/rwsem.ts';
import { EAGAIN, EBADF, EBUSY, EINVAL, ENODEV, ENOSPC, EPERM } from '../errno.ts';
import { closeGroup } from './group.ts';
import { vfio_device_ops, type VfioDeviceOps } from './ops.ts';
import { vfio_device_fops_unl_ioctl } from './vfio_main.ts';

/** `vdev->pdev` */
export const pdevOf = (vdev: CoreDevice): Operation<PciDev> => follow(vdev.dev) as Operation<PciDev>;

export const eachInSet = <V extends CoreDevice, R>(
  set: VfioDeviceSet,
  body: (vdev: V) => Operation<R>,
): Operation<R | undefined> => list_for_each_entry<CoreDevice, R>(set.device_list, 'dev_set_list', (vdev) => body(vdev as V));

/* ---- enable and disable ---- */

function* vfio_pci_core_enable(vdev: CoreDevice): Operation<number> {
  const pdev = yield* pdevOf(vdev);
  yield* pci_enable_device(pdev);
  const ret = yield* pci_try_reset_function(pdev);
  // Whoever has the lock of the device may be waiting for its user.
  if (ret === -EAGAIN) return ret;
  yield* store(vdev.reset_works, ret === 0);
  yield* pci_save_state(pdev);
  yield* store(vdev.pci_saved_state, yield* pci_store_saved_state(pdev));
  return 0;
}

/** Under the lock of the set. */
function* vfio_pci_core_disable(bus: Bus<PciDev>, vdev: CoreDevice): Operation {
  const pdev = yield* pdevOf(vdev);
  yield* store(vdev.needs_reset, true);
  yield* loadSavedState(vdev, pdev);
  yield* pci_disable_command(pdev);
  // Not the try interface of the PCI core, which would overwrite what was loaded.
  if ((yield* load(vdev.reset_works)) && (yield* pci_dev_trylock(pdev))) {
    if ((yield* __pci_reset_function_locked(pdev)) === 0) yield* store(vdev.needs_reset, false);
    yield* pci_dev_unlock(pdev);
  }
  yield* pci_restore_state(pdev);
  yield* vfio_pci_dev_set_try_reset(bus, yield* follow(vdev.dev_set));
}

/** pci_load_and_free_saved_state() */
function* loadSavedState(vdev: CoreDevice, pdev: PciDev): Operation {
  const saved: Saved = yield* load(vdev.pci_saved_state);
  yield* pci_load_saved_state(pdev, saved);
  yield* store(vdev.pci_saved_state, null);
}

const vfio_pci_core_close_device = (bus: Bus<PciDev>, vdev: CoreDevice): Operation => vfio_pci_core_disable(bus, vdev);

/** struct vfio_device_ops of drivers/vfio/pci/vfio_pci.c, for devices of that bus. */
export const vfio_pci_ops = (bus: Bus<PciDev>): VfioDeviceOps => ({
  ...vfio_device_ops,
  open_device: (device) => vfio_pci_core_enable(device as CoreDevice),
  close_device: (device) => vfio_pci_core_close_device(bus, device as CoreDevice),
});

/** An ioctl of a device file, from vfio_device_fops_unl_ioctl() on. */
export const ioctl = <V extends CoreDevice>(
  vfio: Vfio,
  df: VfioDeviceFile,
  cmd: (vdev: V) => Operation<number>,
): Operation<number> => vfio_device_fops_unl_ioctl(vfio, df, { ...vfio_device_ops, ioctl: (device) => cmd(device as V) });

/* ---- mappings of BARs ---- */

/**
 * Zaps the mappings of all users. The lock of a user's mappings comes first, so the other is let go for it, and meanwhile
 * he may have faulted one in again.
 * @returns whether the vma_lock is held; without it only if it tries, and somebody else has one of the locks
 */
function* vfio_pci_zap_and_vma_lock(vdev: VfioPciCoreDevice, tries: boolean): Operation<boolean> {
  return yield* loop<null, boolean>(null, function* (): Operation<boolean | Again<null>> {
    if (!(yield* lockVmas(vdev, tries))) return false;
    const mm = yield* firstMm(vdev);
    if (mm === undefined) return true;
    yield* mutex_unlock(vdev.vma_lock);

    if (!tries) yield* mmap_read_lock(mm);
    else if (!(yield* mmap_read_trylock(mm))) {
      yield* mmput(mm);
      return false;
    }
    if (!(yield* lockVmas(vdev, tries))) {
      yield* mmap_read_unlock(mm);
      yield* mmput(mm);
      return false;
    }
    yield* list_for_each_entry_safe<VmAreaStruct, undefined>(vdev.vma_list, 'vma_next', function* (vma) {
      if ((yield* load(vma.vm_mm)) !== mm) return undefined;
      yield* list_del(vma.vma_next, vdev.vma_list);
      yield* zap_vma_ptes(vma);
      return undefined;
    });
    yield* mutex_unlock(vdev.vma_lock);
    yield* mmap_read_unlock(mm);
    yield* mmput(mm);
    return again(null);
  });
}

function* lockVmas({ vma_lock }: VfioPciCoreDevice, tries: boolean): Operation<boolean> {
  if (tries) return yield* mutex_trylock(vma_lock);
  yield* mutex_lock(vma_lock);
  return true;
}

/** Under the vma_lock: a process whose mappings are on the list, and a reference to them. Those of one that ends go. */
function* firstMm({ vma_list }: VfioPciCoreDevice): Operation<MmStruct | undefined> {
  return yield* loop<null, MmStruct | undefined>(null, function* (): Operation<MmStruct | undefined | Again<null>> {
    if (yield* list_empty(vma_list)) return undefined;
    const vma = (yield* list_first_entry_or_null<VmAreaStruct>(vma_list)) as VmAreaStruct;
    const mm = yield* follow(vma.vm_mm);
    if (yield* mmget_not_zero(mm)) return mm;
    yield* list_del(vma.vma_next, vma_list);
    return again(null);
  });
}

function* vfio_pci_zap_and_down_write_memory_lock(vdev: VfioPciCoreDevice): Operation {
  yield* vfio_pci_zap_and_vma_lock(vdev, false);
  yield* down_write(vdev.memory_lock);
  yield* mutex_unlock(vdev.vma_lock);
}

/** It fills the whole vma, and looks for it first, for two threads may fault at once. */
function* vfio_pci_mmap_fault(vma: VmAreaStruct): Operation<Fault> {
  const vdev = (yield* follow(vma.vm_private_data)) as VfioPciCoreDevice;
  yield* mutex_lock(vdev.vma_lock);
  yield* down_read(vdev.memory_lock);
  const ret = yield* fillVma(vdev, vma);
  yield* up_read(vdev.memory_lock);
  yield* mutex_unlock(vdev.vma_lock);
  return ret;
}

function* fillVma(vdev: VfioPciCoreDevice, vma: VmAreaStruct): Operation<Fault> {
  if (!(yield* load(vdev.vconfig_memory))) return 'VM_FAULT_SIGBUS';
  const listed = yield* list_for_each_entry<VmAreaStruct, true | undefined>(vdev.vma_list, 'vma_next', function* (it) {
    return it === vma ? true : undefined;
  });
  if (listed) return 'VM_FAULT_NOPAGE';
  const pdev = yield* pdevOf(vdev);
  yield* io_remap_pfn_range(vma, pdev.function);
  yield* list_add(vma.vma_next, vdev.vma_list);
  return 'VM_FAULT_NOPAGE';
}

/** A load of the user from a BAR that he has mapped with mmap(2). @returns whether it got there; else he gets a SIGBUS */
export const readBar = (vma: VmAreaStruct, pdev: PciDev): Operation<boolean> =>
  readMapped(vma, pdev.function, vfio_pci_mmap_fault);

/* ---- VFIO_DEVICE_RESET ---- */

/** @param zap_and_lock vfio_pci_zap_and_down_write_memory_lock() */
export function* vfio_pci_ioctl_reset<V extends CoreDevice>(vdev: V, zap_and_lock: (vdev: V) => Operation): Operation<number> {
  if (!(yield* load(vdev.reset_works))) return -EINVAL;
  yield* zap_and_lock(vdev);
  const ret = yield* pci_try_reset_function(yield* pdevOf(vdev));
  yield* up_write(vdev.memory_lock);
  return ret;
}

export const VFIO_DEVICE_RESET = (vfio: Vfio, df: VfioDeviceFile): Operation<number> =>
  ioctl<VfioPciCoreDevice>(vfio, df, (vdev) => vfio_pci_ioctl_reset(vdev, vfio_pci_zap_and_down_write_memory_lock));

/* ---- VFIO_DEVICE_GET_PCI_HOT_RESET_INFO ---- */

export interface HotResetInfo {
  readonly [field: string]: Json;
  readonly ret: number;
  /** How many devices the reset concerns. */
  readonly count: number;
  /** The group of each, if there was room. */
  readonly group_ids: readonly string[];
}

const vfio_pci_for_each_slot_or_bus = (bus: Bus<PciDev>, fn: (pdev: PciDev) => Operation<number>): Operation<number> =>
  pci_walk_bus(bus, fn);

function* vfio_pci_count_devs(bus: Bus<PciDev>): Operation<number> {
  let count = 0;
  yield* vfio_pci_for_each_slot_or_bus(bus, function* () {
    count++;
    return 0;
  });
  return count;
}

/** @param room for how many devices there is room in the user's buffer */
export function* VFIO_DEVICE_GET_PCI_HOT_RESET_INFO(
  vfio: Vfio,
  bus: Bus<PciDev>,
  df: VfioDeviceFile,
  room: number,
): Operation<HotResetInfo> {
  let info: HotResetInfo | undefined;
  const ret = yield* ioctl(vfio, df, function* (vdev) {
    info = yield* vfio_pci_ioctl_get_pci_hot_reset_info(bus, vdev, room);
    return info.ret;
  });
  return info ?? { ret, count: 0, group_ids: [] };
}

function* vfio_pci_ioctl_get_pci_hot_reset_info(bus: Bus<PciDev>, vdev: CoreDevice, room: number): Operation<HotResetInfo> {
  if ((yield* pci_probe_reset_bus(bus)) !== 0) return { ret: -ENODEV, count: 0, group_ids: [] };
  const count = yield* vfio_pci_count_devs(bus);
  if (count > room) return { ret: -ENOSPC, count, group_ids: [] };

  const group_ids: string[] = [];
  const dev_set = yield* follow(vdev.dev_set);
  yield* mutex_lock(dev_set.lock);
  const ret = yield* vfio_pci_for_each_slot_or_bus(bus, function* vfio_pci_fill_devs(pdev) {
    // Something has come since they were counted.
    if (group_ids.length >= count) return -EAGAIN;
    const iommu_group = yield* iommu_group_get(pdev);
    if (isNull(iommu_group)) return -EPERM;
    group_ids.push(iommu_group.path);
    yield* iommu_group_put(iommu_group);
    return 0;
  });
  yield* mutex_unlock(dev_set.lock);
  return ret === 0 ? { ret, count: group_ids.length, group_ids } : { ret, count: 0, group_ids: [] };
}

/* ---- VFIO_DEVICE_PCI_HOT_RESET ---- */

/** What a descriptor stands for: a file, and the group whose file it is; NULL where it stands for nothing. */
export type Descriptor = { readonly file: GroupFile; readonly group: VfioGroup | Null } | Null;
export type GroupFiles = readonly Exclude<Descriptor, Null>[];

const isFile = (fd: Descriptor): fd is GroupFiles[number] => fd !== NULL;
const fputOf = (vfio: Vfio, { file, group }: GroupFiles[number]): Operation =>
  isNull(group) ? fput(file.f_count, function* () {}) : closeGroup(vfio, group, file);

/** vfio_pci_dev_set_hot_reset() */
type HotReset = (bus: Bus<PciDev>, dev_set: VfioDeviceSet, groups: GroupFiles) => Operation<number>;

export function* vfio_pci_ioctl_pci_hot_reset(
  vfio: Vfio,
  bus: Bus<PciDev>,
  vdev: CoreDevice,
  fds: readonly Descriptor[],
  hot_reset: HotReset,
): Operation<number> {
  // Without groups it is that of a cdev.
  const isCdev = yield* load(vdev.cdev_opened);
  if (fds.length > 0 === isCdev) return -EINVAL;
  if ((yield* pci_probe_reset_bus(bus)) !== 0) return -ENODEV;
  if (isCdev) throw new TypeError('the hot reset of a cdev is left out');
  return yield* vfio_pci_ioctl_pci_hot_reset_groups(vfio, bus, vdev, fds, hot_reset);
}

function* vfio_pci_ioctl_pci_hot_reset_groups(
  vfio: Vfio,
  bus: Bus<PciDev>,
  vdev: CoreDevice,
  fds: readonly Descriptor[],
  hot_reset: HotReset,
): Operation<number> {
  // There can be no more groups than devices.
  if (fds.length > (yield* vfio_pci_count_devs(bus))) return -EINVAL;
  const files: GroupFiles[number][] = [];
  let ret = 0;
  for (const fd of fds) {
    if (!isFile(fd) || !(yield* get_file_rcu(fd.file.f_count))) ret = -EBADF;
    else if (isNull(fd.group)) {
      yield* fputOf(vfio, fd);
      ret = -EINVAL;
    } else files.unshift(fd);
    if (ret !== 0) break;
  }
  if (ret === 0) ret = yield* hot_reset(bus, yield* follow(vdev.dev_set), files);
  for (const file of files) yield* fputOf(vfio, file);
  return ret;
}

/** @param fds the descriptors that the user gives, of all groups that the reset concerns */
export const VFIO_DEVICE_PCI_HOT_RESET = (
  vfio: Vfio,
  bus: Bus<PciDev>,
  df: VfioDeviceFile,
  fds: readonly Descriptor[],
): Operation<number> => ioctl(vfio, df, (vdev) => vfio_pci_ioctl_pci_hot_reset(vfio, bus, vdev, fds, vfio_pci_dev_set_hot_reset));

/** By way of vfio_file_has_dev(). */
export function* vfio_dev_in_groups(vdev: CoreDevice, groups: GroupFiles): Operation<boolean> {
  const its = yield* load(vdev.group);
  return groups.some(({ group }) => group === its);
}

/** vfio_find_device_in_devset() of vfio_main.c, under the lock of the set. */
const vfio_find_device_in_devset = (dev_set: VfioDeviceSet, dev: Device): Operation<VfioDevice | undefined> =>
  list_for_each_entry<VfioDevice, VfioDevice | undefined>(dev_set.device_list, 'dev_set_list', function* (cur) {
    return (yield* load(cur.dev)) === dev ? cur : undefined;
  });

/** Under the lock of the set: whether all that would be reset is in it, and so stays where it is. */
export function* vfio_pci_dev_set_resettable(bus: Bus<PciDev>, dev_set: VfioDeviceSet): Operation<boolean> {
  // Any of them will do: they have one bus.
  yield* list_first_entry_or_null(dev_set.device_list);
  if ((yield* pci_probe_reset_bus(bus)) !== 0) return false;
  const missing = yield* vfio_pci_for_each_slot_or_bus(bus, function* vfio_pci_is_device_in_set(pdev) {
    return (yield* vfio_find_device_in_devset(dev_set, pdev)) === undefined ? -ENODEV : 0;
  });
  return missing === 0;
}

/** All vma_locks before the first memory_lock, as several devices may be mapped by one process. */
function* vfio_pci_dev_set_hot_reset(bus: Bus<PciDev>, dev_set: VfioDeviceSet, groups: GroupFiles): Operation<number> {
  yield* mutex_lock(dev_set.lock);
  const first = yield* list_first_entry_or_null<VfioPciCoreDevice>(dev_set.device_list);
  const ret = (yield* vfio_pci_dev_set_resettable(bus, dev_set)) ? yield* resetSet(bus, dev_set, groups, first) : -EINVAL;
  yield* mutex_unlock(dev_set.lock);
  return ret;
}

function* resetSet(
  bus: Bus<PciDev>,
  dev_set: VfioDeviceSet,
  groups: GroupFiles,
  first: VfioPciCoreDevice | Null,
): Operation<number> {
  // How far it has come with each lock; NULL when it has all.
  let cur_vma: VfioPciCoreDevice | Null = NULL;
  let cur_mem = first;
  let ret = yield* eachInSet<VfioPciCoreDevice, number | undefined>(dev_set, function* (vdev) {
    cur_vma = vdev;
    if (!(yield* vfio_dev_in_groups(vdev, groups))) return -EINVAL;
    return (yield* vfio_pci_zap_and_vma_lock(vdev, true)) ? undefined : -EBUSY;
  });
  if (ret === undefined) {
    cur_vma = NULL;
    ret = yield* eachInSet<VfioPciCoreDevice, number | undefined>(dev_set, function* (vdev) {
      cur_mem = vdev;
      if (!(yield* down_write_trylock(vdev.memory_lock))) return -EBUSY;
      yield* mutex_unlock(vdev.vma_lock);
      return undefined;
    });
  }
  if (ret === undefined) {
    cur_mem = NULL;
    ret = yield* pci_reset_bus(bus);
  }
  let isMem = true;
  yield* eachInSet<VfioPciCoreDevice, true | undefined>(dev_set, function* (vdev) {
    if (vdev === cur_mem) isMem = false;
    if (vdev === cur_vma) return true;
    yield* isMem ? up_write(vdev.memory_lock) : mutex_unlock(vdev.vma_lock);
    return undefined;
  });
  return ret;
}

/* ---- the reset at the last close ---- */

/** Under the lock of the set: nobody else has one of its devices open, and one of them is to be reset. */
function* vfio_pci_dev_set_needs_reset(dev_set: VfioDeviceSet): Operation<boolean> {
  let open_count = 0;
  yield* eachInSet<CoreDevice, undefined>(dev_set, function* (vdev) {
    open_count += yield* load(vdev.open_count);
    return undefined;
  });
  if (open_count > 1) return false;
  let needs_reset = false;
  yield* eachInSet<CoreDevice, undefined>(dev_set, function* (vdev) {
    needs_reset = (yield* load(vdev.needs_reset)) || needs_reset;
    return undefined;
  });
  return needs_reset;
}

function* vfio_pci_dev_set_try_reset(bus: Bus<PciDev>, dev_set: VfioDeviceSet): Operation {
  if (!(yield* vfio_pci_dev_set_needs_reset(dev_set))) return;
  if (!(yield* vfio_pci_dev_set_resettable(bus, dev_set))) return;
  const isReset = (yield* pci_reset_bus(bus)) === 0;
  yield* eachInSet<CoreDevice, undefined>(dev_set, function* (vdev) {
    if (isReset) yield* store(vdev.needs_reset, false);
    return undefined;
  });
}
