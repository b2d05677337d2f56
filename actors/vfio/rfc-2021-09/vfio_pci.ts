/**
 * drivers/vfio/pci/vfio_pci.c, v5.14 with RFC 03/20: when a driver of VFIO registers its device, and when it frees it.
 *
 * Left out: all that concerns PCI; its own reference on the IOMMU group, beside that of VFIO; driver data, which it sets
 * after the registration and which its open does not need; RFC 05/20, which decides by the IOMMU how a device is exposed,
 * and keeps user space from reading and writing one that is opened by its node.
 */
import type { DeviceDriver, Vfio, VfioDevice } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { kfree, type Operation } from '../../step.ts';
import type { Driver } from './dd.ts';
import { type Pools, type VfioDeviceOps, vfio_device_ops } from './ops.ts';
import { vfio_register_device, vfio_unregister_device } from './vfio.ts';

/** The device is allocated and initialised already. A probe that fails frees it. */
export function* vfio_pci_probe(
  vfio: Vfio,
  device: VfioDevice,
  flags: number,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> {
  const ret = yield* vfio_register_device(vfio, device, flags, pools, ops);
  if (ret !== 0) yield* kfree(device);
  return ret;
}

export function* vfio_pci_remove(
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation {
  yield* vfio_unregister_device(vfio, device, pools, ops);
  yield* kfree(device);
}

/** As the driver core knows it, for one device. */
export const vfioPci = (
  vfio: Vfio,
  driver: DeviceDriver,
  device: VfioDevice,
  flags: number,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Driver => ({
  driver,
  probe: () => vfio_pci_probe(vfio, device, flags, pools, ops),
  remove: () => vfio_pci_remove(vfio, device, pools, ops),
});
