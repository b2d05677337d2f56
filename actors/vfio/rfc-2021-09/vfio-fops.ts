/**
 * drivers/vfio/vfio.c, v5.14 with RFC 02/20 and 03/20: the files of a container, a group and a device, as user space
 * opens, asks and closes them. An open replies what `private_data` would point at; a release is the last close.
 *
 * An ioctl keeps its file open: no scenario closes a file while a call on it runs.
 *
 * Left out: copying from and to user space, noiommu and its capability, KVM and its notifier, descriptors and files that
 * cannot be had, GET_STATUS, what is passed on to a back end or a driver; the back end's own part in attaching and
 * detaching, and that it may refuse.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { ContainerUser } from '../../../machines/vfio/container-users.ts';
import type { Vfio, VfioContainer, VfioDevice, VfioGroup, VfioIommuDriver } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { along, kzalloc, moves, type Operation } from '../../step.ts';
import { atomic_cmpxchg, atomic_dec, atomic_dec_if_positive, atomic_inc, atomic_read } from '../../sync/atomic.ts';
import { idr_find } from '../../sync/idr.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_write, up_write } from '../../sync/rwsem.ts';
import { wake_up } from '../../sync/wait-queue.ts';
import { EBUSY, EINVAL, ENODEV } from '../errno.ts';
import { dev_name, path_lookupat } from './core.ts';
import { type VfioDeviceOps, vfio_device_ops } from './ops.ts';
import { deref, isNull } from './pointer.ts';
import { vfio_group_viable } from './vfio-notifier.ts';
import {
  groupMoves,
  vfio_container_get,
  vfio_container_put,
  vfio_device_put,
  vfio_device_try_get,
  vfio_group_get_from_minor,
  vfio_group_put,
  vfio_group_try_get,
} from './vfio-objects.ts';

/* ---- /dev/vfio/vfio ---- */

/** @param from a pool */
export const vfio_fops_open = (_vfio: Vfio, from: VfioContainer): Operation<VfioContainer> => kzalloc(from);

/** The back end is looked at without the lock, to tell it that the container closes; what it makes of that is left out. */
export function* vfio_fops_release(_vfio: Vfio, container: VfioContainer): Operation<number> {
  yield* load(container.iommu_driver);
  yield* vfio_container_put(container);
  return 0;
}

/** VFIO_SET_IOMMU, with a type that each back end supports. */
export function* vfio_ioctl_set_iommu(vfio: Vfio, container: VfioContainer): Operation<number> {
  yield* down_write(container.group_lock);
  if ((yield* list_empty(container.group_list)) || !isNull(yield* load(container.iommu_driver))) {
    yield* up_write(container.group_lock);
    return -EINVAL;
  }
  yield* mutex_lock(vfio.iommu_drivers_lock);
  const driver = yield* list_for_each_entry(vfio.iommu_drivers_list, 'vfio_next', function* (entry: VfioIommuDriver) {
    return (yield* try_module_get(entry.owner)) ? entry : undefined;
  });
  if (driver !== undefined) yield* along(store(container.iommu_driver, driver), moves(container.chart, 'iommu_set'));
  yield* mutex_unlock(vfio.iommu_drivers_lock);
  yield* up_write(container.group_lock);
  return driver === undefined ? -ENODEV : 0;
}

/* ---- /dev/vfio/$GROUP ---- */

function* __vfio_group_unset_container(group: VfioGroup): Operation {
  const container = deref(yield* load(group.container));
  yield* down_write(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  yield* along(store(group.container, NULL), groupMoves(group, 'detached'), moves(container.chart, 'detached'));
  yield* wake_up(group.container_q);
  yield* list_del(group.container_next, container.group_list);
  if (!isNull(driver) && (yield* list_empty(container.group_list))) {
    yield* module_put(driver.owner);
    yield* along(store(container.iommu_driver, NULL), moves(container.chart, 'iommu_released'));
  }
  yield* up_write(container.group_lock);
  yield* vfio_container_put(container);
}

/** VFIO_GROUP_UNSET_CONTAINER */
export function* vfio_group_unset_container(_vfio: Vfio, group: VfioGroup): Operation<number> {
  const users = yield* along(atomic_cmpxchg(group.container_users, 1, 0), moves(group.users, 'unset'));
  if (users === 0) return -EINVAL;
  if (users !== 1) return -EBUSY;
  yield* __vfio_group_unset_container(group);
  return 0;
}

/** @param who was counted */
function* vfio_group_try_dissolve_container(group: VfioGroup, who: ContainerUser): Operation {
  const users = yield* along(atomic_dec_if_positive(group.container_users), moves(group.users, who));
  if (users === 0) yield* __vfio_group_unset_container(group);
}

/** VFIO_GROUP_SET_CONTAINER. That nobody uses one yet is asked before, and not under, the lock under which it is set. */
export function* vfio_group_set_container(_vfio: Vfio, group: VfioGroup, container: VfioContainer): Operation<number> {
  if ((yield* atomic_read(group.container_users)) !== 0) return -EINVAL;
  yield* down_write(container.group_lock);
  yield* load(container.iommu_driver);
  yield* along(store(group.container, container), groupMoves(group, 'attached'), moves(container.chart, 'attached'));
  yield* list_add(group.container_next, container.group_list);
  yield* vfio_container_get(container);
  yield* along(atomic_inc(group.container_users), moves(group.users, 'attached'));
  yield* up_write(container.group_lock);
  return 0;
}

function* vfio_device_get_from_name(group: VfioGroup, name: string): Operation<VfioDevice | number> {
  yield* mutex_lock(group.device_lock);
  const device = yield* list_for_each_entry(group.device_list, 'group_next', function* (it: VfioDevice) {
    const matches = (yield* dev_name(deref(yield* load(it.dev)))) === name;
    return matches && (yield* vfio_device_try_get(it)) ? it : undefined;
  });
  yield* mutex_unlock(group.device_lock);
  return device ?? -ENODEV;
}

/**
 * VFIO_GROUP_GET_DEVICE_FD. Its three conditions are three looks, and nothing keeps them true until it counts itself in.
 * @returns the device, or a negative errno
 */
export function* vfio_group_get_device_fd(
  _vfio: Vfio,
  group: VfioGroup,
  name: string,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<VfioDevice | number> {
  if ((yield* atomic_read(group.container_users)) === 0) return -EINVAL;
  const container = deref(yield* load(group.container));
  if (isNull(yield* load(container.iommu_driver))) return -EINVAL;
  if (!(yield* vfio_group_viable(group))) return -EINVAL;

  const device = yield* vfio_device_get_from_name(group, name);
  if (typeof device === 'number') return device;

  const dev = deref(yield* load(device.dev));
  if (!(yield* try_module_get(deref(yield* load(dev.driver)).owner))) {
    yield* vfio_device_put(device);
    return -ENODEV;
  }
  const ret = yield* ops.open(device);
  if (ret !== 0) {
    yield* module_put(deref(yield* load(dev.driver)).owner);
    yield* vfio_device_put(device);
    return ret;
  }
  yield* along(atomic_inc(group.container_users), moves(group.users, 'device_opened'));
  return device;
}

/**
 * RFC 02/20: a group is opened by its own file, once, or by the files of its devices, counted. The lock covers the two
 * fields that say so, and not the container that is looked at as well.
 */
function* vfio_group_try_open(group: VfioGroup, nongroup_dev: boolean): Operation<number> {
  let ret = 0;
  yield* mutex_lock(group.opened_lock);
  const opened = yield* load(group.opened);
  if (opened !== 0) {
    if (nongroup_dev && (yield* load(group.opened_by_nongroup_dev))) yield* store(group.opened, opened + 1);
    else ret = -EBUSY;
  } else if (!isNull(yield* load(group.container))) {
    ret = -EBUSY;
  } else {
    yield* along(store(group.opened, 1), groupMoves(group, nongroup_dev ? 'opened_by_device' : 'opened'));
    yield* store(group.opened_by_nongroup_dev, nongroup_dev);
  }
  yield* mutex_unlock(group.opened_lock);
  return ret;
}

/** Of a u32. */
const lessOne = (opened: number): number => (opened - 1) >>> 0;
const closedAt = (group: VfioGroup, opened: number) => (opened === 0 ? [groupMoves(group, 'closed')] : []);

/** @returns the group, or a negative errno */
export function* vfio_group_fops_open(vfio: Vfio, minor: number): Operation<VfioGroup | number> {
  const group = yield* vfio_group_get_from_minor(vfio, minor);
  if (isNull(group)) return -ENODEV;
  const ret = yield* vfio_group_try_open(group, false);
  if (ret !== 0) {
    yield* vfio_group_put(vfio, group);
    return ret;
  }
  return group;
}

export function* vfio_group_fops_release(vfio: Vfio, group: VfioGroup): Operation<number> {
  yield* vfio_group_try_dissolve_container(group, 'group_closed');
  yield* mutex_lock(group.opened_lock);
  const opened = lessOne(yield* load(group.opened));
  yield* along(store(group.opened, opened), ...closedAt(group, opened));
  yield* mutex_unlock(group.opened_lock);
  yield* vfio_group_put(vfio, group);
  return 0;
}

/* ---- /dev/vfio/devices/$DEVICE, and what VFIO_GROUP_GET_DEVICE_FD gives ---- */

/** RFC 02/20. Under the lock under which a number is given and taken back: what is found is registered, or on its way out. */
function* vfio_device_get_from_minor(vfio: Vfio, minor: number): Operation<VfioDevice | number> {
  yield* mutex_lock(vfio.device_lock);
  const device = yield* idr_find<VfioDevice>(vfio.device_idr, minor);
  const got = !isNull(device) && (yield* vfio_device_try_get(device));
  yield* mutex_unlock(vfio.device_lock);
  return got ? deref(device) : -ENODEV;
}

/**
 * RFC 02/20. A path was looked up before, and all that is left of it is the number of its node: there is one cdev for all
 * of them, so that the number may be another's by now.
 * @returns the device, or a negative errno
 */
export function* vfio_device_fops_open(
  vfio: Vfio,
  minor: number,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<VfioDevice | number> {
  const device = yield* vfio_device_get_from_minor(vfio, minor);
  if (typeof device === 'number') return device;

  let ret = 0;
  const group = yield* vfio_group_try_get(vfio, yield* load(device.group));
  if (!isNull(group)) ret = yield* vfio_group_try_open(group, true);
  if (ret === 0) {
    if ((yield* atomic_cmpxchg(device.opened, 0, 1)) !== 0) {
      ret = -EBUSY;
    } else {
      const dev = deref(yield* load(device.dev));
      if (!(yield* try_module_get(deref(yield* load(dev.driver)).owner))) {
        ret = -ENODEV;
      } else {
        ret = yield* ops.open(device);
        if (ret !== 0) yield* module_put(deref(yield* load(dev.driver)).owner);
      }
      if (ret !== 0) yield* atomic_dec(device.opened);
    }
    if (ret !== 0 && !isNull(group)) {
      yield* mutex_lock(group.opened_lock);
      const opened = lessOne(yield* load(group.opened));
      yield* along(store(group.opened, opened), ...closedAt(group, opened));
      yield* mutex_unlock(group.opened_lock);
    }
  }
  if (!isNull(group)) yield* vfio_group_put(vfio, group);
  if (ret === 0) return device;
  yield* vfio_device_put(device);
  return ret;
}

/**
 * open(2) of /dev/vfio/devices/<name>. The cdev that chrdev_open() finds is that of all devices: it pins none of them.
 * @returns the device, or a negative errno
 */
export function* openDevice(vfio: Vfio, name: string, ops: VfioDeviceOps = vfio_device_ops): Operation<VfioDevice | number> {
  const i_rdev = yield* path_lookupat(vfio.device_class, name);
  return i_rdev < 0 ? i_rdev : yield* vfio_device_fops_open(vfio, i_rdev, ops);
}

/** @param group that of the device, which the caller goes on with: nothing makes a compiler read it again in between */
function* vfio_device_in_container(group: VfioGroup | Null): Operation<boolean> {
  return !isNull(group) && !isNull(yield* load(group.container));
}

/**
 * RFC 02/20, for both kinds of file: by which of them the device was opened it concludes from the group, which it asks
 * each time anew, as C does where a lock or an atomic stands between.
 */
export function* vfio_device_fops_release(
  _vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> {
  yield* ops.release(device);
  const dev = deref(yield* load(device.dev));
  yield* module_put(deref(yield* load(dev.driver)).owner);

  const group = yield* load(device.group);
  if (yield* vfio_device_in_container(group)) {
    yield* vfio_group_try_dissolve_container(deref(group), 'device_closed');
  } else {
    yield* atomic_dec(device.opened);
    const its = yield* load(device.group);
    if (!isNull(its)) {
      yield* mutex_lock(its.opened_lock);
      const counted = deref(yield* load(device.group));
      const opened = lessOne(yield* load(counted.opened));
      yield* along(store(counted.opened, opened), ...closedAt(counted, opened));
      yield* mutex_unlock(deref(yield* load(device.group)).opened_lock);
    }
  }
  yield* vfio_device_put(device);
  return 0;
}
