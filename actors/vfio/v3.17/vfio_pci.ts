/**
 * drivers/vfio/pci/vfio_pci.c at bc4fba77124e, v3.17: as before, under one lock for all devices, which is held over each
 * first open, each last close, and each remove. So nobody opens or unbinds a device while who closes another looks whether
 * their bus is to be reset.
 */
import type { VfioDevice } from '../../../machines/vfio/v3.12/vfio.ts';
import type { LockedVfioPciDevice, PciDev, VfioPciC } from '../../../machines/vfio/v3.12/pci.ts';
import { pci_probe_reset_bus, pci_walk_bus } from '../../driver-core/pci.ts';
import { follow } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, READ_ONCE, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EBUSY, ENODEV } from '../errno.ts';
import { vfio_device_put } from '../v3.12/vfio-objects.ts';
import type { Driver } from '../v3.12/dd.ts';
import type { VfioDeviceOps } from '../v3.12/ops.ts';
import { vfio_device_get_from_dev } from '../v3.12/vfio.ts';
import {
  type VfioPci as Common,
  vfio_pci_disable,
  vfio_pci_driver as vfio_pci_driver_v3_13,
  vfio_pci_enable,
  vfio_pci_remove as vfio_pci_remove_v3_13,
} from '../v3.13/vfio_pci.ts';

export interface VfioPci extends Common<LockedVfioPciDevice> {
  readonly vfio_pci_c: VfioPciC;
}

/** Whether the bus of a device that was closed is to be reset, and its reset. */
export type TryBusReset = (pci: VfioPci) => Operation;

function* vfio_pci_open(pci: VfioPci): Operation<number> {
  const { driver, vdev, vfio_pci_c } = pci;
  if (!(yield* try_module_get(driver.owner))) return -ENODEV;
  yield* mutex_lock(vfio_pci_c.driver_lock);
  const refcnt = yield* load(vdev.refcnt);
  const ret = refcnt === 0 ? yield* vfio_pci_enable(pci) : 0;
  if (ret === 0) yield* store(vdev.refcnt, refcnt + 1);
  yield* mutex_unlock(vfio_pci_c.driver_lock);
  if (ret !== 0) yield* module_put(driver.owner);
  return ret;
}

function* vfio_pci_release(pci: VfioPci, try_bus_reset: TryBusReset): Operation {
  const { driver, vdev, vfio_pci_c } = pci;
  yield* mutex_lock(vfio_pci_c.driver_lock);
  const refcnt = (yield* load(vdev.refcnt)) - 1;
  yield* store(vdev.refcnt, refcnt);
  if (refcnt === 0) {
    yield* vfio_pci_disable(pci, (value) => store(vdev.needs_reset, value));
    yield* try_bus_reset(pci);
  }
  yield* mutex_unlock(vfio_pci_c.driver_lock);
  yield* module_put(driver.owner);
}

export const vfio_pci_ops = (pci: VfioPci, try_bus_reset: TryBusReset = vfio_pci_try_bus_reset): VfioDeviceOps => ({
  open: () => vfio_pci_open(pci),
  release: () => vfio_pci_release(pci, try_bus_reset),
});

/* ---- the reset at the last close ---- */

const dataOf = (device: VfioDevice): Operation<LockedVfioPciDevice> =>
  follow(device.device_data) as Operation<LockedVfioPciDevice>;

/** With the driver_lock held: all devices are of this driver and closed, and some are to be reset. */
function* vfio_pci_try_bus_reset(pci: VfioPci): Operation {
  if ((yield* pci_probe_reset_bus(pci.bus)) !== 0) return;
  let needs_reset = false;
  const ret = yield* pci_walk_bus(pci.bus, function* vfio_pci_test_bus_reset(pdev: PciDev) {
    if ((yield* READ_ONCE(pdev.driver)) !== pci.driver) return -EBUSY;
    const device = yield* vfio_device_get_from_dev(pdev);
    const vdev = yield* dataOf(device);
    if (yield* load(vdev.needs_reset)) needs_reset = true;
    const isClosed = (yield* load(vdev.refcnt)) === 0;
    yield* vfio_device_put(pci.vfio, device);
    return isClosed ? 0 : -EBUSY;
  });
  if (ret !== 0 || !needs_reset) return;
  if ((yield* pci.resets.reset_bus(pci.bus)) !== 0) return;
  yield* pci_walk_bus(pci.bus, function* vfio_pci_clear_needs_reset(pdev: PciDev) {
    if ((yield* READ_ONCE(pdev.driver)) !== pci.driver) return 0;
    const device = yield* vfio_device_get_from_dev(pdev);
    yield* store((yield* dataOf(device)).needs_reset, false);
    yield* vfio_device_put(pci.vfio, device);
    return 0;
  });
}

/* ---- remove ---- */

/** Under the lock of the device. Its wait is one for somebody who has to take the same lock to be done. */
function* vfio_pci_remove(pci: VfioPci): Operation {
  yield* mutex_lock(pci.vfio_pci_c.driver_lock);
  yield* vfio_pci_remove_v3_13(pci);
  yield* mutex_unlock(pci.vfio_pci_c.driver_lock);
}

export const vfio_pci_driver = (pci: VfioPci): Driver => vfio_pci_driver_v3_13(pci, () => vfio_pci_remove(pci));
