/**
 * drivers/vfio/vfio.c, v3.13, where it differs from v4.19 in what makes a group viable: a device with a driver is known to
 * VFIO or it is not, also while it is on its way from a driver of VFIO to none.
 *
 * Left out: what is left out of v4.19; the reference of a device on its IOMMU group; the request to a user to let go.
 */
import type { Device, VfioDevice, VfioGroup } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, READ_ONCE } from '../../sync/memory.ts';
import { type Callbacks, NOTIFY_OK } from '../../sync/notifier.ts';
import { wait_event } from '../../sync/wait-queue.ts';
import type { Core } from '../v4.19/ops.ts';
import { isOfGroup } from '../v4.19/vfio-notifier.ts';
import { vfio_device_put, vfio_group_get, vfio_group_get_device, vfio_group_put } from '../v4.19/vfio-objects.ts';

export function* vfio_dev_viable(core: Core, dev: Device, group: VfioGroup): Operation<number> {
  const drv = yield* READ_ONCE(dev.driver);
  if (isNull(drv) || (yield* load(drv.name)) === 'pci-stub') return 0;
  return yield* isOfGroup(core, dev, group);
}

function* vfio_dev_present({ vfio }: Core, group: VfioGroup, dev: Device): Operation<boolean> {
  const device = yield* vfio_group_get_device(group, dev);
  if (isNull(device)) return false;
  yield* vfio_device_put(vfio, device);
  return true;
}

/** From a driver's remove, under the lock of the device. */
export function* vfio_del_group_dev(core: Core, dev: Device): Operation {
  const { vfio } = core;
  const device = (yield* follow(dev.driver_data)) as VfioDevice;
  const group = yield* follow(device.group);
  yield* vfio_group_get(group);
  yield* vfio_device_put(vfio, device);
  yield* wait_event(vfio.release_q, function* () {
    return !(yield* vfio_dev_present(core, group, dev));
  });
  yield* vfio_group_put(vfio, group);
}

/** Told of UNBOUND it takes a reference on the group and puts it: nothing else comes of it, and it is left out. */
export const iommuGroupNotifiers: Callbacks = {
  *vfio_iommu_group_notifier() {
    return NOTIFY_OK;
  },
};
