/**
 * drivers/vfio/group.c and vfio_main.c, v6.2, where they differ from v6.6: the lock of the group guards the pointer to the
 * virtual machine, and is held while the driver opens and closes. The driver takes a reference of its own where it wants one.
 *
 * Read in the patches that brought it (vfio_device_group_open(), v6.2-rc1) and that changed it (2b48f52f2bff, v6.3).
 *
 * Left out: what is left out of v6.6; groups on an iommufd.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { Kvm } from '../../../machines/vfio/kvm.ts';
import type { GroupFile, VfioDevice, VfioGroup } from '../../../machines/vfio/v6.2/vfio.ts';
import type { Device, Vfio } from '../../../machines/vfio/v6.6/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, moves, type Operation, WARN_ON } from '../../step.ts';
import { load, READ_ONCE, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import {
  vfio_device_container_register,
  vfio_device_container_unregister,
  vfio_group_unuse_container,
  vfio_group_use_container,
} from '../v6.6/container.ts';
import { vfio_device_get_from_name, vfio_group_fops_release, vfio_group_has_iommu } from '../v6.6/group.ts';
import { vfio_iommu_driver_ops } from '../v6.6/ops.ts';
import { vfio_device_put_registration } from '../v6.6/vfio_df.ts';

/** Of struct vfio_device_ops: what KVM matters to. */
export interface VfioDeviceOps {
  readonly open_device: (device: VfioDevice) => Operation<number>;
  readonly close_device: (device: VfioDevice) => Operation;
}

function* owner(device: VfioDevice) {
  const dev = yield* follow(device.dev);
  return (yield* follow(dev.driver)).owner;
}

export function* releaseOf(vfio: Vfio, group: VfioGroup): Operation {
  yield* vfio_group_fops_release(vfio, group, vfio_iommu_driver_ops);
}

function* vfio_device_group_use_iommu(device: VfioDevice, group: VfioGroup): Operation<number> {
  if (yield* WARN_ON(isNull(yield* load(group.container)), '!group->container')) return -EINVAL;
  const ret = yield* vfio_group_use_container(group);
  if (ret === 0) yield* vfio_device_container_register(device, group, vfio_iommu_driver_ops);
  return ret;
}

function* vfio_device_group_unuse_iommu(vfio: Vfio, device: VfioDevice, group: VfioGroup): Operation {
  if (yield* WARN_ON(isNull(yield* load(group.container)), '!group->container')) return;
  yield* vfio_device_container_unregister(device, group, vfio_iommu_driver_ops);
  yield* vfio_group_unuse_container(group, () => releaseOf(vfio, group));
}

function* vfio_device_first_open(
  vfio: Vfio,
  device: VfioDevice,
  group: VfioGroup,
  ops: VfioDeviceOps,
  kvm: Kvm | Null,
): Operation<number> {
  const module = yield* owner(device);
  if (!(yield* try_module_get(module))) return -ENODEV;
  let ret = yield* vfio_device_group_use_iommu(device, group);
  if (ret === 0) {
    yield* store(device.kvm, kvm);
    ret = yield* ops.open_device(device);
    if (ret !== 0) {
      yield* store(device.kvm, NULL);
      yield* vfio_device_group_unuse_iommu(vfio, device, group);
    }
  }
  if (ret !== 0) yield* module_put(module);
  return ret;
}

function* vfio_device_last_close(vfio: Vfio, device: VfioDevice, group: VfioGroup, ops: VfioDeviceOps): Operation {
  yield* ops.close_device(device);
  yield* store(device.kvm, NULL);
  yield* vfio_device_group_unuse_iommu(vfio, device, group);
  yield* module_put(yield* owner(device));
}

/** @param kvm as the group knows it, whose lock is held until the driver has opened */
function* vfio_device_open(
  vfio: Vfio,
  device: VfioDevice,
  group: VfioGroup,
  ops: VfioDeviceOps,
  kvm: Kvm | Null,
): Operation<number> {
  let ret = 0;
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  const count = yield* load(device.open_count);
  const opens = store(device.open_count, count + 1);
  yield* count === 0 ? along(opens, moves(device.chart, 'opened')) : opens;
  if (count === 0) {
    ret = yield* vfio_device_first_open(vfio, device, group, ops, kvm);
    if (ret !== 0) yield* along(store(device.open_count, 0), moves(device.chart, 'closed'));
  }
  yield* mutex_unlock(dev_set.lock);
  return ret;
}

function* vfio_device_close(vfio: Vfio, device: VfioDevice, group: VfioGroup, ops: VfioDeviceOps): Operation {
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  const count = yield* READ_ONCE(device.open_count);
  yield* WARN_ON(count === 0, '!READ_ONCE(device->open_count)');
  if (count === 1) yield* vfio_device_last_close(vfio, device, group, ops);
  const closes = store(device.open_count, count - 1);
  yield* count === 1 ? along(closes, moves(device.chart, 'closed')) : closes;
  yield* mutex_unlock(dev_set.lock);
}

function* vfio_device_group_open(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps): Operation<number> {
  const group = yield* follow(device.group);
  let ret = -EINVAL;
  yield* mutex_lock(group.group_lock);
  if (yield* vfio_group_has_iommu(group)) ret = yield* vfio_device_open(vfio, device, group, ops, yield* load(group.kvm));
  yield* mutex_unlock(group.group_lock);
  return ret;
}

function* vfio_device_group_close(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps): Operation {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  yield* vfio_device_close(vfio, device, group, ops);
  yield* mutex_unlock(group.group_lock);
}

/** VFIO_GROUP_GET_DEVICE_FD. @returns the device, or a negative errno */
export function* vfio_group_ioctl_get_device_fd(
  vfio: Vfio,
  group: VfioGroup,
  name: Device,
  ops: VfioDeviceOps,
): Operation<VfioDevice | number> {
  const device = yield* vfio_device_get_from_name(group, name);
  if (isNull(device)) return -ENODEV;
  const ret = yield* vfio_device_group_open(vfio, device as VfioDevice, ops);
  if (ret === 0) return device as VfioDevice;
  yield* vfio_device_put_registration(device);
  return ret;
}

/** The last close(2) of a device file. */
export function* vfio_device_fops_release(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps): Operation<number> {
  yield* vfio_device_group_close(vfio, device, ops);
  yield* vfio_device_put_registration(device);
  return 0;
}

/** For KVM, which has a reference on the file. */
export function* vfio_file_set_kvm(file: GroupFile, kvm: Kvm | Null): Operation {
  const group = yield* follow(file.private_data);
  yield* mutex_lock(group.group_lock);
  yield* store(group.kvm, kvm);
  yield* mutex_unlock(group.group_lock);
}
