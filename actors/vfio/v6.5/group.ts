/**
 * drivers/vfio/group.c, v6.5, where it differs from v6.6: the file of a device points at the device itself. Read:
 * vfio_main.c at 037dd1308c6d, and the series that brought struct vfio_device_file.
 *
 * Left out: what is left out of v6.6.
 */
import type { Device, Vfio, VfioDevice, VfioGroup } from '../../../machines/vfio/v6.6/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import { containerPath, vfio_device_get_from_name, vfio_df_group_close, vfio_group_has_iommu } from '../v6.6/group.ts';
import { vfio_device_ops, type VfioDeviceOps, vfio_iommu_driver_ops, type VfioIommuDriverOps } from '../v6.6/ops.ts';
import { vfio_df_open, vfio_device_put_registration } from '../v6.6/vfio_df.ts';

function* vfio_device_group_open(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps,
  backend: VfioIommuDriverOps,
): Operation<number> {
  const group = yield* follow(device.group);
  let ret = -EINVAL;
  yield* mutex_lock(group.group_lock);
  if (yield* vfio_group_has_iommu(group)) {
    const dev_set = yield* follow(device.dev_set);
    yield* mutex_lock(dev_set.lock);
    ret = yield* vfio_df_open(device, containerPath(vfio, device, group, backend), ops);
    yield* mutex_unlock(dev_set.lock);
  }
  yield* mutex_unlock(group.group_lock);
  return ret;
}

export const vfio_device_group_close = vfio_df_group_close;

/**
 * VFIO_GROUP_GET_DEVICE_FD
 * @param name the parent of the device, whose name user space gives
 * @returns the device, or a negative errno
 */
export function* vfio_group_ioctl_get_device_fd(
  vfio: Vfio,
  group: VfioGroup,
  name: Device,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<VfioDevice | number> {
  const device = yield* vfio_device_get_from_name(group, name);
  if (isNull(device)) return -ENODEV;
  const ret = yield* vfio_device_group_open(vfio, device, ops, backend);
  if (ret === 0) return device;
  yield* vfio_device_put_registration(device);
  return ret;
}
