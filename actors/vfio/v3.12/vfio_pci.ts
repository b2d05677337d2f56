/**
 * drivers/vfio/pci/vfio_pci.c, v3.12: when it adds its device to a group, and when it takes it away. Beside vfio.c it holds
 * the IOMMU group itself, as long as it is bound. Read: the copy of v3.17, at bc4fba77124e, and older excerpts.
 *
 * Left out: all that concerns PCI; its own struct, which nobody else reaches here.
 */
import type { Device, DeviceDriver, Vfio } from '../../../machines/vfio/v3.12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { EINVAL } from '../errno.ts';
import { iommu_group_get, iommu_group_put } from '../rfc-2021-09/iommu.ts';
import type { Driver } from './dd.ts';
import type { Pools } from './ops.ts';
import { vfio_add_group_dev, vfio_del_group_dev } from './vfio.ts';

function* vfio_pci_probe(vfio: Vfio, dev: Device, pools: Pools): Operation<number> {
  const group = yield* iommu_group_get(dev);
  if (isNull(group)) return -EINVAL;
  const ret = yield* vfio_add_group_dev(vfio, dev, pools);
  if (ret !== 0) yield* iommu_group_put(group);
  return ret;
}

function* vfio_pci_remove(vfio: Vfio, dev: Device): Operation {
  yield* vfio_del_group_dev(vfio, dev);
  yield* iommu_group_put(yield* follow(dev.iommu_group));
}

/** As the driver core knows it. */
export const vfio_pci_driver = (vfio: Vfio, driver: DeviceDriver, pools: Pools = {}): Driver => ({
  driver,
  probe: (dev) => vfio_pci_probe(vfio, dev, pools),
  remove: (dev) => vfio_pci_remove(vfio, dev),
});
