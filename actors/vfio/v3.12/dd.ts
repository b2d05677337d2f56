/**
 * drivers/base/dd.c and bus.c, v3.12: how a driver comes to a device, and leaves it. The two entry points are writes to a
 * driver's `bind` and `unbind` in sysfs. Probe and remove run under the lock of the device; dev->driver is set before the
 * one and cleared after the other, and the bus says each of it to those who listen. Of a probe that fails it says nothing.
 *
 * Read in excerpts of neighbouring versions; the order of what the bus says is that of later ones.
 *
 * Left out: the parent's lock, which few buses need; pinctrl, power, devres, sysfs links, deferred probing; that the device
 * could be unregistered; the head of the chain of the bus, on which IOMMU groups listen always.
 */
import { NULL } from '../../../machines/object.ts';
import type { Device, DeviceDriver } from '../../../machines/vfio/v3.12/index.ts';
import { device_lock, device_unlock } from '../../driver-core/core.ts';
import { isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import type { Callbacks } from '../../sync/notifier.ts';
import { ENODEV } from '../errno.ts';
import {
  IOMMU_GROUP_NOTIFY_BIND_DRIVER,
  IOMMU_GROUP_NOTIFY_BOUND_DRIVER,
  IOMMU_GROUP_NOTIFY_UNBIND_DRIVER,
  IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER,
  iommu_bus_notifier,
} from './iommu.ts';

/** What the core knows of a driver. */
export interface Driver {
  readonly driver: DeviceDriver;
  /** @returns 0 or a negative errno */
  readonly probe: (dev: Device) => Operation<number>;
  readonly remove: (dev: Device) => Operation;
}

/** A driver of the host, in whose probe nothing happens that matters here. */
export const host_driver = (driver: DeviceDriver): Driver => ({
  driver,
  *probe() {
    return 0;
  },
  *remove() {},
});

/** @returns 1 if the device is bound, and 0 whatever the probe said else */
function* really_probe(drv: Driver, dev: Device, callbacks: Callbacks): Operation<number> {
  yield* store(dev.driver, drv.driver);
  yield* iommu_bus_notifier(dev, IOMMU_GROUP_NOTIFY_BIND_DRIVER, callbacks);
  if ((yield* drv.probe(dev)) !== 0) {
    yield* store(dev.driver, NULL);
    yield* store(dev.driver_data, NULL);
    return 0;
  }
  yield* iommu_bus_notifier(dev, IOMMU_GROUP_NOTIFY_BOUND_DRIVER, callbacks);
  return 1;
}

/** That no driver has it is asked without its lock, and nobody asks again. */
export function* bind_store(drv: Driver, dev: Device, callbacks: Callbacks): Operation<number> {
  if (!isNull(yield* load(dev.driver))) return -ENODEV;
  yield* device_lock(dev);
  const err = yield* really_probe(drv, dev, callbacks);
  yield* device_unlock(dev);
  return err > 0 ? 0 : -ENODEV;
}

/** @param drv the operations of the driver that is bound, which C finds by dev->driver */
function* __device_release_driver(drv: Driver, dev: Device, callbacks: Callbacks): Operation {
  if (isNull(yield* load(dev.driver))) return;
  yield* iommu_bus_notifier(dev, IOMMU_GROUP_NOTIFY_UNBIND_DRIVER, callbacks);
  yield* drv.remove(dev);
  yield* store(dev.driver, NULL);
  yield* store(dev.driver_data, NULL);
  yield* iommu_bus_notifier(dev, IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER, callbacks);
}

function* device_release_driver(drv: Driver, dev: Device, callbacks: Callbacks): Operation {
  yield* device_lock(dev);
  yield* __device_release_driver(drv, dev, callbacks);
  yield* device_unlock(dev);
}

export function* unbind_store(drv: Driver, dev: Device, callbacks: Callbacks): Operation<number> {
  if ((yield* load(dev.driver)) !== drv.driver) return -ENODEV;
  yield* device_release_driver(drv, dev, callbacks);
  return 0;
}
