/**
 * drivers/vfio/pci/vfio_pci.c with 93899a679fd6, v3.18: as in v3.17, but remove does not take the lock. Who looks whether a
 * bus is to be reset holds a reference on each device meanwhile, for which a remove waits. Read in later copies, which ask for
 * the driver of a device when they have the reference, since a device may be found otherwise than by its driver data.
 */
import type { VfioDevice } from '../../../machines/vfio/v3.12/vfio.ts';
import type { LockedVfioPciDevice, PciDev } from '../../../machines/vfio/v3.12/pci.ts';
import { pci_probe_reset_bus, pci_walk_bus } from '../../driver-core/pci.ts';
import { follow } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, READ_ONCE, store } from '../../sync/memory.ts';
import { EBUSY, EINVAL, ENOSPC } from '../errno.ts';
import type { VfioDeviceOps } from '../v3.12/ops.ts';
import { vfio_device_put } from '../v3.12/vfio-objects.ts';
import { vfio_device_get_from_dev } from '../v3.12/vfio.ts';
import { vfio_pci_count_devs } from '../v3.13/vfio_pci.ts';
import { type VfioPci, vfio_pci_ops as vfio_pci_ops_v3_17 } from '../v3.17/vfio_pci.ts';

/** With the driver_lock held. */
function* vfio_pci_try_bus_reset(pci: VfioPci): Operation {
  if ((yield* pci_probe_reset_bus(pci.bus)) !== 0) return;
  const count = yield* vfio_pci_count_devs(pci);
  if (count === 0) return;
  const devices: VfioDevice[] = [];
  const no = yield* pci_walk_bus(pci.bus, function* vfio_pci_get_devs(pdev: PciDev) {
    if ((yield* READ_ONCE(pdev.driver)) !== pci.driver) return -EBUSY;
    if (devices.length === count) return -ENOSPC;
    devices.push(yield* vfio_device_get_from_dev(pdev));
    return 0;
  });
  const ret = no === 0 && (yield* wantReset(devices)) ? yield* pci.resets.reset_bus(pci.bus) : -EINVAL;
  for (const device of devices) {
    if (ret === 0) yield* store(((yield* follow(device.device_data)) as LockedVfioPciDevice).needs_reset, false);
    yield* vfio_device_put(pci.vfio, device);
  }
}

/** All are closed, and some are to be reset. */
function* wantReset(devices: readonly VfioDevice[]): Operation<boolean> {
  let needs_reset = false;
  for (const device of devices) {
    const vdev = (yield* follow(device.device_data)) as LockedVfioPciDevice;
    if (yield* load(vdev.needs_reset)) needs_reset = true;
    if ((yield* load(vdev.refcnt)) !== 0) return false;
  }
  return needs_reset;
}

export const vfio_pci_ops = (pci: VfioPci): VfioDeviceOps => vfio_pci_ops_v3_17(pci, vfio_pci_try_bus_reset);
export { vfio_pci_driver } from '../v3.13/vfio_pci.ts';
