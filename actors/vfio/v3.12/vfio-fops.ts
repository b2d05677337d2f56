/**
 * drivers/vfio/vfio.c at 6cdd97821322 (v3.12): the files of a container, a group and a device, as user space opens, asks and
 * closes them. An open replies what `private_data` would point at; a release is the last close. A fresh container is as its
 * open leaves it.
 *
 * An ioctl keeps its file open: no scenario closes a file while a call on it runs.
 *
 * Left out: copies from and to user space, descriptors and files that cannot be had or are of another kind; CHECK_EXTENSION,
 * and so which back end supports which type; what is passed on to a back end or a driver.
 */
import { NULL } from '../../../machines/object.ts';
import type { Vfio, VfioContainer, VfioDevice, VfioGroup, VfioIommuDriver } from '../../../machines/vfio/v3.12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, moves, type Operation } from '../../step.ts';
import { atomic_cmpxchg, atomic_dec, atomic_dec_if_positive, atomic_inc, atomic_read } from '../../sync/atomic.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_write, up_write } from '../../sync/rwsem.ts';
import type { ContainerUser } from '../../../machines/vfio/container-users.ts';
import { EBUSY, EINVAL, ENODEV } from '../errno.ts';
import { dev_name } from '../rfc-2021-09/core.ts';
import { vfio_device_ops, type VfioDeviceOps, vfio_iommu_driver_ops, type VfioIommuDriverOps } from './ops.ts';
import { vfio_group_viable } from './vfio-notifier.ts';
import {
  groupMoves,
  vfio_container_get,
  vfio_container_put,
  vfio_device_get,
  vfio_device_put,
  vfio_group_get_from_minor,
  vfio_group_put,
} from './vfio-objects.ts';

/* ---- /dev/vfio/vfio ---- */

export function* vfio_fops_release(_vfio: Vfio, container: VfioContainer): Operation<number> {
  yield* vfio_container_put(container);
  return 0;
}

/** Under the lock of the container, which has a group. What was attached before one failed is detached, the last first. */
function* __vfio_container_attach_groups(container: VfioContainer, ops: VfioIommuDriverOps): Operation<number> {
  const attached: VfioGroup[] = [];
  const failed = yield* list_for_each_entry<VfioGroup, number | undefined>(
    container.group_list,
    'container_next',
    function* (group) {
      const ret = yield* ops.attach_group(container, yield* follow(group.iommu_group));
      if (ret !== 0) return ret;
      attached.unshift(group);
      return undefined;
    },
  );
  if (failed === undefined) return 0;
  for (const group of attached) yield* ops.detach_group(container, yield* follow(group.iommu_group));
  return failed;
}

/** VFIO_SET_IOMMU, with a type that each back end supports. The first whose module can be had is taken, for better or worse. */
export function* vfio_ioctl_set_iommu(
  vfio: Vfio,
  container: VfioContainer,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* down_write(container.group_lock);
  if ((yield* list_empty(container.group_list)) || !isNull(yield* load(container.iommu_driver))) {
    yield* up_write(container.group_lock);
    return -EINVAL;
  }
  yield* mutex_lock(vfio.iommu_drivers_lock);
  const driver = yield* list_for_each_entry(vfio.iommu_drivers_list, 'vfio_next', function* (entry: VfioIommuDriver) {
    return (yield* try_module_get(entry.owner)) ? entry : undefined;
  });
  yield* mutex_unlock(vfio.iommu_drivers_lock);
  let ret = -ENODEV;
  if (driver !== undefined) {
    ret = yield* ops.open(container);
    if (ret === 0) {
      ret = yield* __vfio_container_attach_groups(container, ops);
      if (ret === 0) yield* along(store(container.iommu_driver, driver), moves(container.chart, 'iommu_set'));
      else yield* ops.release(container);
    }
    if (ret !== 0) yield* module_put(driver.owner);
  }
  yield* up_write(container.group_lock);
  return ret;
}

/* ---- /dev/vfio/$GROUP ---- */

function* __vfio_group_unset_container(group: VfioGroup, ops: VfioIommuDriverOps): Operation {
  const container = yield* follow(group.container);
  yield* down_write(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  if (!isNull(driver)) yield* ops.detach_group(container, yield* follow(group.iommu_group));
  yield* along(store(group.container, NULL), groupMoves(group, 'detached'), moves(container.chart, 'detached'));
  yield* list_del(group.container_next, container.group_list);
  if (!isNull(driver) && (yield* list_empty(container.group_list))) {
    yield* ops.release(container);
    yield* module_put(driver.owner);
    yield* along(store(container.iommu_driver, NULL), moves(container.chart, 'iommu_released'));
  }
  yield* up_write(container.group_lock);
  yield* vfio_container_put(container);
}

/** VFIO_GROUP_UNSET_CONTAINER: 1 to 0 and nothing else. */
export function* vfio_group_unset_container(
  _vfio: Vfio,
  group: VfioGroup,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  const users = yield* along(atomic_cmpxchg(group.container_users, 1, 0), moves(group.users, 'unset'));
  if (users === 0) return -EINVAL;
  if (users !== 1) return -EBUSY;
  yield* __vfio_group_unset_container(group, ops);
  return 0;
}

/** Who takes the last user away takes the group off its container. @param who was counted */
export function* vfio_group_try_dissolve_container(group: VfioGroup, who: ContainerUser, ops: VfioIommuDriverOps): Operation {
  const users = yield* along(atomic_dec_if_positive(group.container_users), moves(group.users, who));
  if (users === 0) yield* __vfio_group_unset_container(group, ops);
}

/**
 * VFIO_GROUP_SET_CONTAINER. That nobody uses one yet is asked before, and not under, the lock under which it is set; and the
 * lock is that of the new container, which keeps nobody away from the group.
 * @param container what the descriptor stands for, whose file the call holds
 */
export function* vfio_group_set_container(
  _vfio: Vfio,
  group: VfioGroup,
  container: VfioContainer,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  if ((yield* atomic_read(group.container_users)) !== 0) return -EINVAL;
  yield* down_write(container.group_lock);
  let ret = 0;
  if (!isNull(yield* load(container.iommu_driver))) ret = yield* ops.attach_group(container, yield* follow(group.iommu_group));
  if (ret === 0) {
    yield* along(store(group.container, container), groupMoves(group, 'attached'), moves(container.chart, 'attached'));
    yield* list_add(group.container_next, container.group_list);
    yield* vfio_container_get(container);
    yield* along(atomic_inc(group.container_users), moves(group.users, 'attached'));
  }
  yield* up_write(container.group_lock);
  return ret;
}

export const VFIO_GROUP_FLAGS_VIABLE = 1;
export const VFIO_GROUP_FLAGS_CONTAINER_SET = 2;

/** VFIO_GROUP_GET_STATUS: the flags. */
export function* vfio_group_get_status(vfio: Vfio, group: VfioGroup): Operation<number> {
  const viable = (yield* vfio_group_viable(vfio, group)) ? VFIO_GROUP_FLAGS_VIABLE : 0;
  return viable | (isNull(yield* load(group.container)) ? 0 : VFIO_GROUP_FLAGS_CONTAINER_SET);
}

/**
 * VFIO_GROUP_GET_DEVICE_FD. Its three conditions are three looks, and nothing keeps them true until it counts itself in.
 * The driver opens the device under the lock of the list.
 * @returns the device, or a negative errno
 */
export function* vfio_group_get_device_fd(
  vfio: Vfio,
  group: VfioGroup,
  buf: string,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<VfioDevice | number> {
  if ((yield* atomic_read(group.container_users)) === 0) return -EINVAL;
  const container = yield* follow(group.container);
  if (isNull(yield* load(container.iommu_driver))) return -EINVAL;
  if (!(yield* vfio_group_viable(vfio, group))) return -EINVAL;

  yield* mutex_lock(group.device_lock);
  const ret = yield* list_for_each_entry<VfioDevice, VfioDevice | number | undefined>(
    group.device_list,
    'group_next',
    function* (device) {
      if ((yield* dev_name(yield* follow(device.dev))) !== buf) return undefined;
      const err = yield* ops.open(device);
      if (err !== 0) return err;
      yield* vfio_device_get(device);
      yield* along(atomic_inc(group.container_users), moves(group.users, 'device_opened'));
      return device;
    },
  );
  yield* mutex_unlock(group.device_lock);
  return ret ?? -ENODEV;
}

/** @returns the group, or a negative errno */
export function* vfio_group_fops_open(vfio: Vfio, minor: number): Operation<VfioGroup | number> {
  const group = yield* vfio_group_get_from_minor(vfio, minor);
  if (isNull(group)) return -ENODEV;
  const opened = yield* along(atomic_cmpxchg(group.opened, 0, 1), groupMoves(group, 'opened'));
  if (opened !== 0) {
    yield* vfio_group_put(vfio, group);
    return -EBUSY;
  }
  if (!isNull(yield* load(group.container))) {
    yield* along(atomic_dec(group.opened), groupMoves(group, 'closed'));
    yield* vfio_group_put(vfio, group);
    return -EBUSY;
  }
  return group;
}

export function* vfio_group_fops_release(
  vfio: Vfio,
  group: VfioGroup,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* vfio_group_try_dissolve_container(group, 'group_closed', ops);
  yield* along(atomic_dec(group.opened), groupMoves(group, 'closed'));
  yield* vfio_group_put(vfio, group);
  return 0;
}

/* ---- what VFIO_GROUP_GET_DEVICE_FD gives ---- */

export function* vfio_device_fops_release(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* ops.release(device);
  yield* vfio_group_try_dissolve_container(yield* follow(device.group), 'device_closed', backend);
  yield* vfio_device_put(vfio, device);
  return 0;
}
