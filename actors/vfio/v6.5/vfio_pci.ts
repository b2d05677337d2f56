/** drivers/vfio/pci/vfio_pci.c, v6.5: as in v6.6, on the unregistration of its own kernel. */
import type { VfioDevice } from '../../../machines/vfio/v6.6/index.ts';
import type { Driver } from '../../driver-core/dd.ts';
import { load } from '../../sync/memory.ts';
import { vfio_device_ops } from '../v6.6/ops.ts';
import { vfio_put_device } from '../v6.6/vfio_main.ts';
import { type VfioPci, vfio_pci_driver as vfio_pci_driver_v6_6 } from '../v6.6/vfio_pci.ts';
import { vfio_unregister_group_dev } from './vfio_main.ts';

/** For device_driver_detach() of a device that is registered. */
export const vfio_pci_driver = (pci: VfioPci): Driver => ({
  ...vfio_pci_driver_v6_6(pci),
  *remove(dev) {
    const { vfio, ops = vfio_device_ops } = pci;
    const device = (yield* load(dev.driver_data)) as VfioDevice;
    yield* vfio_unregister_group_dev(vfio, device, ops);
    yield* vfio_put_device(vfio, device, ops);
  },
});
