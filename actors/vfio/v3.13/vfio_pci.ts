/**
 * drivers/vfio/pci/vfio_pci.c, v3.12 to v3.16: open, release, resets and remove. Which reset of the PCI core they call
 * changed with v3.14; all else is the same.
 *
 * Whoever opens a device first, resets it; whoever closes it last does so, too, and so may anybody who has it open. A reset
 * takes the lock of the device, under which remove waits for the last of them. Read: the copy of v3.17, at bc4fba77124e, and
 * excerpts of v3.12.
 *
 * Left out: slots; interrupts; what else of config space is virtualised; bus mastering, and so pci_clear_master() and
 * pci_disable_device(), which leave the decoding of memory as it is; EEH; copies and allocations that fail. The `driver` of a
 * struct pci_dev is that of its struct device here: the PCI core sets it just before the probe and clears it just after the
 * remove, both under the lock of the device, while the other is set.
 */
import type { VmAreaStruct } from '../../../machines/driver-core/mm.ts';
import type { Saved } from '../../../machines/driver-core/pci.ts';
import { NULL, type Null } from '../../../machines/object.ts';
import type { DeviceDriver, File, Vfio, VfioDevice, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import type { PciDev, VfioPciDevice } from '../../../machines/vfio/v3.12/pci.ts';
import { readMapped } from '../../driver-core/mm.ts';
import {
  type Bus,
  pci_disable_command,
  pci_enable_device,
  pci_load_saved_state,
  pci_probe_reset_bus,
  pci_restore_state,
  pci_save_state,
  pci_store_saved_state,
  pci_walk_bus,
  type PciDevice,
} from '../../driver-core/pci.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import {
  __pci_reset_function,
  pci_reset_bus,
  pci_reset_function,
  pci_try_reset_bus,
  pci_try_reset_function,
} from '../../driver-core/v3.17/pci.ts';
import { kfree, type Operation } from '../../step.ts';
import { atomic_dec_and_test, atomic_inc_return } from '../../sync/atomic.ts';
import { fput, get_file_rcu } from '../../sync/file.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { EBADF, EINVAL, ENODEV, EPERM } from '../errno.ts';
import { iommu_group_get, iommu_group_put } from '../rfc-2021-09/iommu.ts';
import type { Driver } from '../v3.12/dd.ts';
import { iommu_group_id } from '../v3.12/iommu.ts';
import type { VfioDeviceOps } from '../v3.12/ops.ts';
import {
  vfio_del_group_dev,
  vfio_external_user_iommu_id,
  vfio_group_get_external_user,
  vfio_group_put_external_user,
} from '../v3.12/vfio.ts';

/** Which functions of the PCI core reset, in an ioctl and at the last close. */
export interface Resets {
  readonly reset_function: (dev: PciDevice) => Operation<number>;
  readonly reset_bus: (bus: Bus) => Operation<number>;
  readonly reset_at_close: (dev: PciDevice) => Operation<number>;
}
export const v3_13: Resets = {
  reset_function: pci_reset_function,
  reset_bus: pci_reset_bus,
  reset_at_close: __pci_reset_function,
};
export const v3_14: Resets = {
  reset_function: pci_try_reset_function,
  reset_bus: pci_try_reset_bus,
  reset_at_close: pci_try_reset_function,
};

/** What a struct vfio_pci_device has in each version. */
export type Handle = Omit<VfioPciDevice, 'refcnt'>;

/** A device as its driver knows it: what C finds by device_data, vdev->pdev->bus and THIS_MODULE. */
export interface VfioPci<D extends Handle = VfioPciDevice> {
  readonly vfio: Vfio;
  readonly driver: DeviceDriver;
  readonly vdev: D;
  readonly bus: Bus<PciDev>;
  readonly resets: Resets;
}

/* ---- open and release ---- */

/** Up to v4.12 it waits for the lock of the device, whatever the other resets do. */
export function* vfio_pci_enable({ vdev }: VfioPci<Handle>): Operation<number> {
  const pdev = yield* follow(vdev.pdev);
  yield* pci_enable_device(pdev);
  yield* store(vdev.reset_works, (yield* pci_reset_function(pdev)) === 0);
  yield* pci_save_state(pdev);
  yield* store(vdev.pci_saved_state, yield* pci_store_saved_state(pdev));
  return 0;
}

/** @param needs_reset notes that the device is to be reset, and that it was: since v3.17 */
export function* vfio_pci_disable(
  { vdev, resets }: VfioPci<Handle>,
  needs_reset: (value: boolean) => Operation = function* () {},
): Operation {
  const pdev = yield* follow(vdev.pdev);
  yield* needs_reset(true);
  const saved: Saved = yield* load(vdev.pci_saved_state);
  yield* pci_load_saved_state(pdev, saved);
  yield* store(vdev.pci_saved_state, null);
  yield* pci_disable_command(pdev);
  if ((yield* load(vdev.reset_works)) && (yield* resets.reset_at_close(pdev)) === 0) yield* needs_reset(false);
  yield* pci_restore_state(pdev);
}

function* vfio_pci_open(pci: VfioPci): Operation<number> {
  if (!(yield* try_module_get(pci.driver.owner))) return -ENODEV;
  if ((yield* atomic_inc_return(pci.vdev.refcnt)) !== 1) return 0;
  const ret = yield* vfio_pci_enable(pci);
  if (ret !== 0) yield* module_put(pci.driver.owner);
  return ret;
}

function* vfio_pci_release(pci: VfioPci): Operation {
  if (yield* atomic_dec_and_test(pci.vdev.refcnt)) yield* vfio_pci_disable(pci);
  yield* module_put(pci.driver.owner);
}

export const vfio_pci_ops = (pci: VfioPci): VfioDeviceOps => ({
  open: () => vfio_pci_open(pci),
  release: () => vfio_pci_release(pci),
});

/**
 * A load of the user from a BAR that he has mapped with mmap(2), which fills the whole mapping (up to v5.7). Nobody zaps it.
 * @returns whether it got there
 */
export const readBar = (vma: VmAreaStruct, pdev: PciDev): Operation<boolean> =>
  readMapped(vma, pdev.function, function* () {
    return 'VM_FAULT_SIGBUS';
  });

/* ---- resets ---- */

/** The caller has the device file open. */
export function* VFIO_DEVICE_RESET({ vdev, resets }: VfioPci<Handle>, _device: VfioDevice): Operation<number> {
  if (!(yield* load(vdev.reset_works))) return -EINVAL;
  return yield* resets.reset_function(yield* follow(vdev.pdev));
}

export function* vfio_pci_count_devs({ bus }: VfioPci<Handle>): Operation<number> {
  let count = 0;
  yield* pci_walk_bus(bus, function* () {
    count++;
    return 0;
  });
  return count;
}

/**
 * The caller has the device file open.
 * @param fds the files that the descriptors stand for, which the user gives to show that all that is reset is his
 */
export function* VFIO_DEVICE_PCI_HOT_RESET(
  pci: VfioPci<Handle>,
  _device: VfioDevice,
  fds: readonly (File | Null)[],
): Operation<number> {
  if ((yield* pci_probe_reset_bus(pci.bus)) !== 0) return -ENODEV;
  const count = yield* vfio_pci_count_devs(pci);
  if (fds.length === 0 || fds.length > count) return -EINVAL;
  const groups: VfioGroup[] = [];
  const ids: number[] = [];
  let ret = 0;
  for (const fd of fds) {
    const group = yield* externalUser(pci.vfio, fd);
    if (typeof group === 'number') {
      ret = group;
      break;
    }
    groups.unshift(group);
    ids.push(yield* vfio_external_user_iommu_id(group));
  }
  if (ret === 0) ret = yield* pci_walk_bus(pci.bus, (pdev) => vfio_pci_validate_devs(pdev, ids));
  if (ret === 0) ret = yield* pci.resets.reset_bus(pci.bus);
  for (const group of groups) yield* vfio_group_put_external_user(pci.vfio, group);
  return ret;
}

/** The reference to the group stays when that to the file is put. */
function* externalUser(vfio: Vfio, fd: File | Null): Operation<VfioGroup | number> {
  if (isFile(fd) && (yield* get_file_rcu(fd.f_count))) {
    const group = yield* vfio_group_get_external_user(vfio, fd);
    yield* fput(fd.f_count, function* () {});
    return group;
  }
  return -EBADF;
}
const isFile = (fd: File | Null): fd is File => fd !== NULL;

function* vfio_pci_validate_devs(pdev: PciDev, ids: readonly number[]): Operation<number> {
  const group = yield* iommu_group_get(pdev);
  if (isNull(group)) return -EPERM;
  const id = yield* iommu_group_id(group);
  yield* iommu_group_put(group);
  return ids.includes(id) ? 0 : -EINVAL;
}

/* ---- remove ---- */

/** Under the lock of the device. */
export function* vfio_pci_remove({ vfio, vdev }: VfioPci<Handle>): Operation {
  const pdev = yield* follow(vdev.pdev);
  yield* vfio_del_group_dev(vfio, pdev);
  yield* iommu_group_put(yield* follow(pdev.iommu_group));
  yield* kfree(vdev);
}

/** As the driver core knows it, for one device that is bound. */
export const vfio_pci_driver = (pci: VfioPci<Handle>, remove: () => Operation = () => vfio_pci_remove(pci)): Driver => ({
  driver: pci.driver,
  *probe() {
    return -EINVAL;
  },
  remove,
});
