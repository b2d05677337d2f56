/**
 * drivers/base/dd.c, v5.14: how a driver comes to a device, and leaves it. The two entry points are writes to a driver's
 * `bind` and `unbind` in sysfs. Probe and remove run under the lock of the device; dev->driver is set before the one and
 * cleared after the other.
 *
 * A probe that fails is told to the bus as DRIVER_NOT_BOUND, while dev->driver is still set. IOMMU groups do not say that
 * again, nor is there an UNBOUND: who waits for one waits for ever.
 *
 * Left out: the parent's lock, which few buses need; device links, pinctrl, power, DMA set-up, sysfs links, driver data,
 * deferred probing; that the device could be dead; the head of the chain of the bus, on which IOMMU groups listen always.
 */
import { isNull } from './pointer.ts';
import { NULL, type Null } from '../../../machines/object.ts';
import type { Device, DeviceDriver } from '../../../machines/vfio/rfc-2021-09/index.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import type { Callbacks } from '../../sync/notifier.ts';
import { EBUSY } from '../errno.ts';
import { device_lock, device_unlock } from './core.ts';
import { IOMMU_GROUP_NOTIFY_BOUND_DRIVER, IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER, iommu_bus_notifier } from './iommu.ts';

/** What the core knows of a driver. */
export interface Driver {
  readonly driver: DeviceDriver;
  /** @returns 0 or a negative errno */
  readonly probe: (dev: Device) => Operation<number>;
  readonly remove: (dev: Device) => Operation;
}

/** A driver of the host, in whose probe nothing happens that matters here. */
export const hostDriver = (driver: DeviceDriver): Driver => ({
  driver,
  *probe() {
    return 0;
  },
  *remove() {},
});

/**
 * How dev->driver is stored: plainly here, although some read it without the lock. Later kernels have device_set_driver()
 * in drivers/base/base.h, which does it with WRITE_ONCE().
 */
type SetDriver = typeof store;

function* really_probe(drv: Driver, dev: Device, callbacks: Callbacks, set: SetDriver): Operation<number> {
  yield* set<DeviceDriver | Null>(dev.driver, drv.driver);
  const ret = yield* drv.probe(dev);
  if (ret !== 0) {
    yield* set<DeviceDriver | Null>(dev.driver, NULL);
    return ret;
  }
  yield* iommu_bus_notifier(dev, IOMMU_GROUP_NOTIFY_BOUND_DRIVER, callbacks);
  return 0;
}

function* __driver_probe_device(drv: Driver, dev: Device, callbacks: Callbacks, set: SetDriver): Operation<number> {
  if (!isNull(yield* load(dev.driver))) return -EBUSY;
  return yield* really_probe(drv, dev, callbacks, set);
}

/** @param callbacks what listens to the device's IOMMU group: `iommuGroupNotifiers()` */
export function* device_driver_attach(
  drv: Driver,
  dev: Device,
  callbacks: Callbacks = {},
  set: SetDriver = store,
): Operation<number> {
  yield* device_lock(dev);
  const ret = yield* __driver_probe_device(drv, dev, callbacks, set);
  yield* device_unlock(dev);
  return ret;
}

function* __device_release_driver(drv: Driver, dev: Device, callbacks: Callbacks): Operation {
  if (isNull(yield* load(dev.driver))) return;
  yield* drv.remove(dev);
  yield* store(dev.driver, NULL);
  yield* iommu_bus_notifier(dev, IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER, callbacks);
}

/** @param drv the operations of the driver that is bound, which C finds by dev->driver */
export function* device_driver_detach(drv: Driver, dev: Device, callbacks: Callbacks = {}): Operation {
  yield* device_lock(dev);
  yield* __device_release_driver(drv, dev, callbacks);
  yield* device_unlock(dev);
}
