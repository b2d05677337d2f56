/**
 * drivers/vfio/vfio_main.c, v6.1: the opens and closes of an emulated device, the first and last of which make it known to
 * its container and forgotten.
 *
 * Left out: the reference that each file has to that of the group; the module of the driver; the pointer to KVM; files that
 * cannot be had.
 */
import type { VfioDevice, VfioIommu } from '../../../machines/vfio/v6.1/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import { type Operation, WARN_ON } from '../../step.ts';
import { load, READ_ONCE, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import type { VfioDeviceOps } from './ops.ts';
import { vfio_iommu_type1_register_device, vfio_iommu_type1_unregister_device } from './vfio_iommu_type1.ts';

/** struct vfio_iommu_driver_ops, as far as a device meets it here. */
export interface VfioIommuDriverOps {
  readonly register_device: (iommu: VfioIommu, device: VfioDevice, ops: VfioDeviceOps) => Operation;
  readonly unregister_device: (iommu: VfioIommu, device: VfioDevice, ops: VfioDeviceOps) => Operation;
}

export const vfio_iommu_driver_ops_type1: VfioIommuDriverOps = {
  register_device: vfio_iommu_type1_register_device,
  unregister_device: vfio_iommu_type1_unregister_device,
};

export function* vfio_assert_device_open(device: VfioDevice): Operation<boolean> {
  return !(yield* WARN_ON((yield* READ_ONCE(device.open_count)) === 0, '!READ_ONCE(device->open_count)'));
}

/** That the group is on a container with a backend is known here. */
function* vfio_device_assign_container(device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* store(group.container_users, (yield* load(group.container_users)) + 1);
}

export function* vfio_device_unassign_container(device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  const users = yield* load(group.container_users);
  yield* WARN_ON(users <= 1, 'device->group->container_users <= 1');
  yield* store(group.container_users, users - 1);
  yield* mutex_unlock(group.group_lock);
}

function* first_open(device: VfioDevice, ops: VfioDeviceOps, iommu_ops: VfioIommuDriverOps): Operation<number> {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  const ret = yield* ops.open_device(device);
  if (ret === 0) yield* iommu_ops.register_device(yield* follow(group.iommu_data), device, ops);
  yield* mutex_unlock(group.group_lock);
  return ret;
}

/** VFIO_GROUP_GET_DEVICE_FD, from where the device was found. @returns 0, or the errno of the driver */
export function* vfio_device_open(
  device: VfioDevice,
  ops: VfioDeviceOps,
  iommu_ops = vfio_iommu_driver_ops_type1,
): Operation<number> {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  yield* vfio_device_assign_container(device);
  yield* mutex_unlock(group.group_lock);

  yield* mutex_lock(device.dev_set_lock);
  const open_count = (yield* load(device.open_count)) + 1;
  yield* store(device.open_count, open_count);
  const ret = open_count === 1 ? yield* first_open(device, ops, iommu_ops) : 0;
  if (ret !== 0) yield* store(device.open_count, (yield* load(device.open_count)) - 1);
  yield* mutex_unlock(device.dev_set_lock);
  if (ret !== 0) yield* vfio_device_unassign_container(device);
  return ret;
}

/** close(2) of a device file. */
export function* vfio_device_fops_release(
  device: VfioDevice,
  ops: VfioDeviceOps,
  iommu_ops = vfio_iommu_driver_ops_type1,
): Operation {
  yield* mutex_lock(device.dev_set_lock);
  yield* vfio_assert_device_open(device);
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  if ((yield* load(device.open_count)) === 1) {
    yield* ops.close_device(device);
    yield* iommu_ops.unregister_device(yield* follow(group.iommu_data), device, ops);
  }
  yield* mutex_unlock(group.group_lock);
  yield* store(device.open_count, (yield* load(device.open_count)) - 1);
  yield* mutex_unlock(device.dev_set_lock);
  yield* vfio_device_unassign_container(device);
}
