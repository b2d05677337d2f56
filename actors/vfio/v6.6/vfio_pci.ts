/**
 * drivers/vfio/pci/vfio_pci.c with the registration of vfio_pci_core.c, v6.6: what probe and remove of a driver of VFIO
 * do, in the order that the driver core relies on.
 *
 * Left out: everything about PCI.
 */
import type { Device, DeviceDriver, Vfio, VfioDevice, VfioDeviceSet } from '../../../machines/vfio/v6.6/index.ts';
import type { Driver } from '../../driver-core/dd.ts';
import { follow } from '../../driver-core/pointer.ts';
import { type Operation, WARN_ON } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { EINVAL } from '../errno.ts';
import { type Pools, vfio_device_ops, type VfioDeviceOps } from './ops.ts';
import {
  _vfio_alloc_device,
  vfio_assign_device_set,
  vfio_put_device,
  vfio_register_group_dev,
  vfio_unregister_group_dev,
} from './vfio_main.ts';

export interface VfioPci {
  readonly vfio: Vfio;
  readonly driver: DeviceDriver;
  /** That of the slot or bus of the device. */
  readonly dev_set: VfioDeviceSet;
  readonly pools: Pools;
  readonly ops?: VfioDeviceOps;
}

/** Who opens the device comes to its driver by drvdata, too: runtime resume does. It is registered when all else is done. */
export function* vfio_pci_core_register_device(pci: VfioPci, device: VfioDevice): Operation<number> {
  const { vfio, dev_set, pools, ops = vfio_device_ops } = pci;
  const drvdata = yield* load((yield* follow(device.dev)).driver_data);
  if (yield* WARN_ON(drvdata !== device, 'vdev != dev_get_drvdata(dev)')) return -EINVAL;
  yield* vfio_assign_device_set(vfio, device, dev_set);
  return yield* vfio_register_group_dev(vfio, device, pools, ops);
}

function* vfio_pci_probe(pci: VfioPci, dev: Device): Operation<number> {
  const { vfio, pools, ops = vfio_device_ops } = pci;
  const device = yield* _vfio_alloc_device(vfio, dev, pools);
  yield* store(dev.driver_data, device);
  const ret = yield* vfio_pci_core_register_device(pci, device);
  if (ret !== 0) yield* vfio_put_device(vfio, device, ops);
  return ret;
}

function* vfio_pci_remove(pci: VfioPci, dev: Device): Operation {
  const { vfio, ops = vfio_device_ops } = pci;
  const device = (yield* load(dev.driver_data)) as VfioDevice;
  yield* vfio_unregister_group_dev(vfio, device, ops);
  yield* vfio_put_device(vfio, device, ops);
}

/** For device_driver_attach() and device_driver_detach(). User space does the DMA, hence no default domain. */
export const vfio_pci_driver = (pci: VfioPci): Driver => ({
  driver: pci.driver,
  driver_managed_dma: true,
  probe: (dev) => vfio_pci_probe(pci, dev),
  remove: (dev) => vfio_pci_remove(pci, dev),
});
