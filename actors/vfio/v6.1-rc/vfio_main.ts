/**
 * drivers/vfio/vfio_main.c, as from v6.0 to the release candidates of v6.1: each close of a device file makes the container
 * forget the device, be it the last or not. The rest is that of v6.1, and so is what is left out.
 */
import type { VfioDevice } from '../../../machines/vfio/v6.1/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import {
  vfio_assert_device_open,
  vfio_device_unassign_container,
  vfio_iommu_driver_ops_type1,
  type VfioDeviceOps,
} from '../v6.1/index.ts';

export function* vfio_device_fops_release(device: VfioDevice, ops: VfioDeviceOps): Operation {
  yield* mutex_lock(device.dev_set_lock);
  yield* vfio_assert_device_open(device);
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  if ((yield* load(device.open_count)) === 1) yield* ops.close_device(device);
  yield* vfio_iommu_driver_ops_type1.unregister_device(yield* follow(group.iommu_data), device, ops);
  yield* mutex_unlock(group.group_lock);
  yield* store(device.open_count, (yield* load(device.open_count)) - 1);
  yield* mutex_unlock(device.dev_set_lock);
  yield* vfio_device_unassign_container(device);
}
