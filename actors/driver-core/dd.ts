/**
 * drivers/base/dd.c, v6.6: how a driver comes to a device, and leaves it.
 *
 * Everything happens under the lock of the device: dev->driver is set before the probe and cleared after a probe that
 * failed or a remove, so that of two who would bind a device the second finds a driver there and does not probe.
 * It is told so by -EBUSY at most, and the log says nothing.
 *
 * Left out: the parent's lock, which few buses need; device links, pinctrl, power, deferred and asynchronous probing;
 * sysfs links and bus notifiers, to which nobody listens here; that the device could be dead, as none is unplugged.
 */
import { NULL } from '../../machines/object.ts';
import type { Device, DeviceDriver } from '../../machines/vfio/v6.6/index.ts';
import type { Operation } from '../step.ts';
import { load, store } from '../sync/memory.ts';
import { EBUSY } from '../vfio/errno.ts';
import { device_lock, device_unlock } from './core.ts';
import { iommu_device_unuse_default_domain, iommu_device_use_default_domain } from './iommu.ts';
import { isNull } from './pointer.ts';

/** What the core knows of a driver. */
export interface Driver {
  readonly driver: DeviceDriver;
  /** It lets user space do the DMA: without it the bus asks for the default domain before each probe. */
  readonly driver_managed_dma: boolean;
  /** @returns 0 or a negative errno */
  readonly probe: (dev: Device) => Operation<number>;
  readonly remove: (dev: Device) => Operation;
}

/** A driver of the host, in whose probe nothing happens that matters here. */
export const host_driver = (driver: DeviceDriver): Driver => ({
  driver,
  driver_managed_dma: false,
  *probe() {
    return 0;
  },
  *remove() {},
});

function* device_unbind_cleanup(dev: Device): Operation {
  yield* store(dev.driver, NULL);
  yield* store(dev.driver_data, NULL);
}

/** `dev->bus->dma_cleanup` */
function* dma_cleanup(drv: Driver, dev: Device): Operation {
  if (!drv.driver_managed_dma) yield* iommu_device_unuse_default_domain(dev);
}

/** @returns 0; a negative errno, or what the probe returned, positive: callers tell the two apart */
function* really_probe(drv: Driver, dev: Device): Operation<number> {
  yield* store(dev.driver, drv.driver);
  if (!drv.driver_managed_dma) {
    const ret = yield* iommu_device_use_default_domain(dev);
    if (ret !== 0) {
      yield* device_unbind_cleanup(dev);
      return ret;
    }
  }
  const ret = yield* drv.probe(dev);
  if (ret !== 0) {
    yield* dma_cleanup(drv, dev);
    yield* device_unbind_cleanup(dev);
  }
  return ret === 0 ? 0 : -ret;
}

function* __driver_probe_device(drv: Driver, dev: Device): Operation<number> {
  if (!isNull(yield* load(dev.driver))) return -EBUSY;
  return yield* really_probe(drv, dev);
}

/** A write to the driver's `bind` in sysfs, and what adds an id to it. */
export function* device_driver_attach(drv: Driver, dev: Device): Operation<number> {
  yield* device_lock(dev);
  const ret = yield* __driver_probe_device(drv, dev);
  yield* device_unlock(dev);
  return ret > 0 ? -ret : ret;
}

/** For each device when a driver is loaded: who is bound already stays so, and nobody is told. */
export function* __driver_attach(drv: Driver, dev: Device): Operation<number> {
  yield* device_lock(dev);
  yield* __driver_probe_device(drv, dev);
  yield* device_unlock(dev);
  return 0;
}

/** @param drv the operations of the driver that is bound, which C finds by dev->driver */
function* __device_release_driver(drv: Driver, dev: Device): Operation {
  if (isNull(yield* load(dev.driver))) return;
  yield* drv.remove(dev);
  yield* dma_cleanup(drv, dev);
  yield* device_unbind_cleanup(dev);
}

/** A write to the driver's `unbind` in sysfs: also where the device has no driver any more. */
export function* device_driver_detach(drv: Driver, dev: Device): Operation {
  yield* device_lock(dev);
  yield* __device_release_driver(drv, dev);
  yield* device_unlock(dev);
}
