/**
 * drivers/vfio/group.c, v6.6: the group fd, and the vfio_group beneath the devices of one IOMMU group.
 *
 * The lock of a group stands before that of a device set. A group lives as long as drivers are registered in it, and its
 * memory as long as its file is open; that file is not waited for.
 *
 * Left out: emulated and noiommu groups; a group on an iommufd; KVM; allocations, copies and descriptors that fail; the
 * private_data of a file, which nobody reads any more when its release clears it; group->notifier, on which nobody is left.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import {
  type Device,
  type GroupFile,
  groupDevt,
  type IommuGroup,
  type Vfio,
  type VfioContainer,
  type VfioDevice,
  type VfioDeviceFile,
  type VfioGroup,
} from '../../../machines/vfio/v6.6/index.ts';
import { cdev_device_add, cdev_device_del, cdev_init, cdev_put, chrdev_open } from '../../driver-core/char_dev.ts';
import { put_device } from '../../driver-core/core.ts';
import { iommu_group_dma_owner_claimed, iommu_group_get, iommu_group_put, iommu_group_ref_get } from '../../driver-core/iommu.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, kfree, moves, type Operation, WARN_ON } from '../../step.ts';
import { fput } from '../../sync/file.ts';
import { ida_alloc_max, ida_free } from '../../sync/idr.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { refcount_dec_and_mutex_lock, refcount_inc, refcount_read, refcount_set } from '../../sync/refcount.ts';
import { EBUSY, EINVAL, ENODEV } from '../errno.ts';
import {
  vfio_container_attach_group,
  vfio_device_container_register,
  vfio_device_container_unregister,
  vfio_group_detach_container,
  vfio_group_unuse_container,
  vfio_group_use_container,
} from './container.ts';
import {
  kzallocFrom,
  type Pools,
  vfio_device_ops,
  type VfioDeviceOps,
  vfio_iommu_driver_ops,
  type VfioIommuDriverOps,
} from './ops.ts';
import {
  type DmaPath,
  grantAccess,
  vfio_allocate_device_file,
  vfio_device_put_registration,
  vfio_device_try_get_registration,
  vfio_df_close,
  vfio_df_open,
} from './vfio_df.ts';

/** include/linux/kdev_t.h */
export const MINORMASK = (1 << 20) - 1;

/* ---- the group fd ---- */

/** By its name, which is that of the parent. Under the lock of the list: what is found is still listed. */
export function* vfio_device_get_from_name(group: VfioGroup, name: Device): Operation<VfioDevice | Null> {
  yield* mutex_lock(group.device_lock);
  const device = yield* list_for_each_entry<VfioDevice, VfioDevice | undefined>(group.device_list, 'group_next', function* (it) {
    const isIt = (yield* load(it.dev)) === name && (yield* vfio_device_try_get_registration(it));
    return isIt ? it : undefined;
  });
  yield* mutex_unlock(group.device_lock);
  return device ?? NULL;
}

/** Under the lock of the group. */
export function* vfio_group_has_iommu(group: VfioGroup): Operation<boolean> {
  const hasContainer = !isNull(yield* load(group.container));
  const hasUsers = (yield* load(group.container_users)) !== 0;
  yield* WARN_ON(hasContainer !== hasUsers, '!group->container != !group->container_users');
  return hasContainer;
}

/** VFIO_GROUP_UNSET_CONTAINER */
export function* vfio_group_ioctl_unset_container(
  _vfio: Vfio,
  group: VfioGroup,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  let ret = 0;
  yield* mutex_lock(group.group_lock);
  if (!(yield* vfio_group_has_iommu(group))) ret = -EINVAL;
  else if ((yield* load(group.container_users)) !== 1) ret = -EBUSY;
  else yield* vfio_group_detach_container(group, ops);
  yield* mutex_unlock(group.group_lock);
  return ret;
}

/**
 * VFIO_GROUP_SET_CONTAINER
 * @param container what the descriptor stands for, whose file it holds for the length of the call
 */
export function* vfio_group_ioctl_set_container(
  _vfio: Vfio,
  group: VfioGroup,
  container: VfioContainer,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  let ret: number;
  yield* mutex_lock(group.group_lock);
  if (yield* vfio_group_has_iommu(group)) ret = -EINVAL;
  else if (isNull(yield* load(group.iommu_group))) ret = -ENODEV;
  else ret = yield* vfio_container_attach_group(container, group, ops);
  yield* mutex_unlock(group.group_lock);
  return ret;
}

/** Under the lock of the group. */
function* vfio_device_group_use_iommu(device: VfioDevice, group: VfioGroup, ops: VfioIommuDriverOps): Operation<number> {
  if (yield* WARN_ON(isNull(yield* load(group.container)), '!group->container')) return -EINVAL;
  const ret = yield* vfio_group_use_container(group);
  if (ret === 0) yield* vfio_device_container_register(device, group, ops);
  return ret;
}

/** Under the lock of the group. */
function* vfio_device_group_unuse_iommu(vfio: Vfio, device: VfioDevice, group: VfioGroup, ops: VfioIommuDriverOps): Operation {
  if (yield* WARN_ON(isNull(yield* load(group.container)), '!group->container')) return;
  yield* vfio_device_container_unregister(device, group, ops);
  yield* vfio_group_unuse_container(group, (file) => __fput(vfio, group, file, ops));
}

/** Several device files of a group may share a device, as they have the same container. */
export const containerPath = (vfio: Vfio, device: VfioDevice, group: VfioGroup, ops: VfioIommuDriverOps): DmaPath => ({
  isShared: true,
  use: () => vfio_device_group_use_iommu(device, group, ops),
  unuse: () => vfio_device_group_unuse_iommu(vfio, device, group, ops),
});

function* vfio_df_group_open(
  vfio: Vfio,
  df: VfioDeviceFile,
  device: VfioDevice,
  group: VfioGroup,
  ops: VfioDeviceOps,
  backend: VfioIommuDriverOps,
): Operation<number> {
  let ret = -EINVAL;
  yield* mutex_lock(group.group_lock);
  if (yield* vfio_group_has_iommu(group)) {
    const dev_set = yield* follow(device.dev_set);
    yield* mutex_lock(dev_set.lock);
    ret = yield* vfio_df_open(device, containerPath(vfio, device, group, backend), ops);
    if (ret === 0) yield* grantAccess(df);
    yield* mutex_unlock(dev_set.lock);
  }
  yield* mutex_unlock(group.group_lock);
  return ret;
}

export function* vfio_df_group_close(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps, backend: VfioIommuDriverOps): Operation {
  const group = yield* follow(device.group);
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(group.group_lock);
  yield* mutex_lock(dev_set.lock);
  yield* vfio_df_close(device, containerPath(vfio, device, group, backend), ops);
  yield* mutex_unlock(dev_set.lock);
  yield* mutex_unlock(group.group_lock);
}

/**
 * VFIO_GROUP_GET_DEVICE_FD
 * @param name the parent of the device, whose name user space gives
 * @returns the device file, or a negative errno
 */
export function* vfio_group_ioctl_get_device_fd(
  vfio: Vfio,
  group: VfioGroup,
  name: Device,
  pools: Pools,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<VfioDeviceFile | number> {
  const device = yield* vfio_device_get_from_name(group, name);
  if (isNull(device)) return -ENODEV;
  const df = yield* vfio_allocate_device_file(device, pools);
  const its = yield* follow(device.group);
  yield* store(df.group, its);
  const ret = yield* vfio_df_group_open(vfio, df, device, its, ops, backend);
  if (ret === 0) return df;
  yield* kfree(df);
  yield* vfio_device_put_registration(device);
  return ret;
}

export const VFIO_GROUP_FLAGS_VIABLE = 1;
export const VFIO_GROUP_FLAGS_CONTAINER_SET = 2;

/** VFIO_GROUP_GET_STATUS: the flags, or a negative errno. */
export function* vfio_group_ioctl_get_status(_vfio: Vfio, group: VfioGroup): Operation<number> {
  let flags = 0;
  yield* mutex_lock(group.group_lock);
  const iommu_group = yield* load(group.iommu_group);
  if (isNull(iommu_group)) flags = -ENODEV;
  else if (yield* vfio_group_has_iommu(group)) flags = VFIO_GROUP_FLAGS_CONTAINER_SET | VFIO_GROUP_FLAGS_VIABLE;
  else if (!(yield* iommu_group_dma_owner_claimed(iommu_group))) flags = VFIO_GROUP_FLAGS_VIABLE;
  yield* mutex_unlock(group.group_lock);
  return flags;
}

/** A cdev of the group is about to be bound: -EBUSY while the group fd is open, which it cannot become from now on. */
export function* vfio_device_block_group(device: VfioDevice): Operation<number> {
  const group = yield* follow(device.group);
  let ret = 0;
  yield* mutex_lock(group.group_lock);
  if (!isNull(yield* load(group.opened_file))) ret = -EBUSY;
  else {
    const count = yield* load(group.cdev_device_open_cnt);
    yield* along(store(group.cdev_device_open_cnt, count + 1), moves(group.chart, 'blocked'));
  }
  yield* mutex_unlock(group.group_lock);
  return ret;
}

export function* vfio_device_unblock_group(device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.group_lock);
  const count = yield* load(group.cdev_device_open_cnt);
  const unblocks = store(group.cdev_device_open_cnt, count - 1);
  yield* count === 1 ? along(unblocks, moves(group.chart, 'unblocked')) : unblocks;
  yield* mutex_unlock(group.group_lock);
}

export function* vfio_group_fops_open(_vfio: Vfio, group: VfioGroup, filep: GroupFile): Operation<number> {
  let ret = 0;
  yield* mutex_lock(group.group_lock);
  if ((yield* refcount_read(group.drivers)) === 0) ret = -ENODEV;
  else if ((yield* load(group.cdev_device_open_cnt)) !== 0) ret = -EBUSY;
  else if (!isNull(yield* load(group.opened_file))) ret = -EBUSY;
  else yield* along(store(group.opened_file, filep), moves(group.chart, 'opened'));
  yield* mutex_unlock(group.group_lock);
  return ret;
}

export function* vfio_group_fops_release(_vfio: Vfio, group: VfioGroup, ops: VfioIommuDriverOps): Operation<number> {
  yield* mutex_lock(group.group_lock);
  if (!isNull(yield* load(group.container))) yield* vfio_group_detach_container(group, ops);
  yield* along(store(group.opened_file, NULL), moves(group.chart, 'released'));
  yield* mutex_unlock(group.group_lock);
  return 0;
}

/** fs/file_table.c: what the last reference to a group's file leads to. */
function* __fput(vfio: Vfio, group: VfioGroup, file: GroupFile, ops: VfioIommuDriverOps): Operation {
  yield* vfio_group_fops_release(vfio, group, ops);
  yield* cdev_put(vfio, group, () => vfio_group_release(vfio, group));
  yield* kfree(file);
}

/**
 * open(2) of /dev/vfio/<group>.
 * @returns the file, or a negative errno
 */
export function* openGroup(vfio: Vfio, group: VfioGroup, pools: Pools): Operation<GroupFile | number> {
  const file = yield* kzallocFrom(pools, 'file');
  const ret = yield* chrdev_open<VfioGroup, GroupFile>(
    vfio,
    group,
    (found) => () => vfio_group_release(vfio, found),
    (found) => {
      if (found !== group) throw new TypeError('openGroup() does not know a group whose number has gone to another');
      return vfio_group_fops_open(vfio, group, file);
    },
  );
  if (ret === 0) return file;
  yield* kfree(file);
  return ret;
}

/** close(2) of its descriptor. */
export const closeGroup = (
  vfio: Vfio,
  group: VfioGroup,
  file: GroupFile,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation => fput(file.f_count, () => __fput(vfio, group, file, ops));

/* ---- group objects: create, release, search ---- */

/** Under vfio.group_lock. */
const vfio_group_find_from_iommu = (vfio: Vfio, iommu_group: IommuGroup): Operation<VfioGroup | undefined> =>
  list_for_each_entry<VfioGroup, VfioGroup | undefined>(vfio.group_list, 'vfio_next', function* (group) {
    return (yield* load(group.iommu_group)) === iommu_group ? group : undefined;
  });

function* vfio_group_release(vfio: Vfio, group: VfioGroup): Operation {
  yield* WARN_ON(!isNull(yield* load(group.iommu_group)), 'group->iommu_group');
  yield* WARN_ON((yield* load(group.cdev_device_open_cnt)) !== 0, 'group->cdev_device_open_cnt');
  yield* ida_free(vfio.group_ida, yield* load(group.minor));
  yield* kfree(group);
}

function* vfio_group_alloc(vfio: Vfio, iommu_group: IommuGroup, pools: Pools): Operation<VfioGroup> {
  const group = yield* kzallocFrom(pools, 'vfio_group');
  yield* store(group.minor, yield* ida_alloc_max(vfio.group_ida, MINORMASK));
  yield* cdev_init(vfio, group);
  yield* refcount_set(group.drivers, 1);
  yield* store(group.iommu_group, iommu_group);
  yield* iommu_group_ref_get(iommu_group);
  return group;
}

/** Under vfio.group_lock. */
function* vfio_create_group(vfio: Vfio, iommu_group: IommuGroup, pools: Pools): Operation<VfioGroup | number> {
  const group = yield* vfio_group_alloc(vfio, iommu_group, pools);
  const devt = groupDevt(yield* load(group.minor));
  const err = yield* cdev_device_add(vfio, group, devt, () => vfio_group_release(vfio, group));
  if (err !== 0) {
    yield* put_device(group, () => vfio_group_release(vfio, group));
    return err;
  }
  yield* list_add(group.vfio_next, vfio.group_list);
  return group;
}

function* vfio_group_has_device(group: VfioGroup, dev: Device): Operation<boolean> {
  yield* mutex_lock(group.device_lock);
  const found = yield* list_for_each_entry<VfioDevice, true | undefined>(group.device_list, 'group_next', function* (device) {
    return (yield* load(device.dev)) === dev ? true : undefined;
  });
  yield* mutex_unlock(group.device_lock);
  return found === true;
}

/** A device that is listed is refused with a complaint. One that somebody else is about to list is not noticed. */
function* vfio_group_find_or_alloc(vfio: Vfio, dev: Device, pools: Pools): Operation<VfioGroup | number> {
  const iommu_group = yield* iommu_group_get(dev);
  if (isNull(iommu_group)) return -EINVAL;
  yield* mutex_lock(vfio.group_lock);
  let group: VfioGroup | number | undefined = yield* vfio_group_find_from_iommu(vfio, iommu_group);
  if (group === undefined) group = yield* vfio_create_group(vfio, iommu_group, pools);
  else if (yield* WARN_ON(yield* vfio_group_has_device(group, dev), 'vfio_group_has_device(group, dev)')) group = -EINVAL;
  else yield* refcount_inc(group.drivers);
  yield* mutex_unlock(vfio.group_lock);
  yield* iommu_group_put(iommu_group);
  return group;
}

export function* vfio_device_set_group(vfio: Vfio, device: VfioDevice, pools: Pools): Operation<number> {
  const group = yield* vfio_group_find_or_alloc(vfio, yield* follow(device.dev), pools);
  if (typeof group === 'number') return group;
  yield* store(device.group, group);
  return 0;
}

/** The last driver takes the group off the list and out of /dev, and does not wait for its file. */
export function* vfio_device_remove_group(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation {
  const group = yield* follow(device.group);
  if (!(yield* refcount_dec_and_mutex_lock(group.drivers, vfio.group_lock))) return;
  yield* list_del(group.vfio_next, vfio.group_list);
  yield* cdev_device_del(vfio, group, () => vfio_group_release(vfio, group));
  yield* mutex_lock(group.group_lock);
  yield* WARN_ON(!(yield* list_empty(group.device_list)), '!list_empty(&group->device_list)');
  if (!isNull(yield* load(group.container))) yield* vfio_group_detach_container(group, ops);
  const iommu_group = yield* follow(group.iommu_group);
  yield* along(store(group.iommu_group, NULL), moves(group.chart, 'orphaned'));
  yield* mutex_unlock(group.group_lock);
  yield* mutex_unlock(vfio.group_lock);
  yield* iommu_group_put(iommu_group);
  yield* put_device(group, () => vfio_group_release(vfio, group));
}

export function* vfio_device_group_register(device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.device_lock);
  yield* list_add(device.group_next, group.device_list);
  yield* mutex_unlock(group.device_lock);
}

export function* vfio_device_group_unregister(device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* mutex_lock(group.device_lock);
  yield* list_del(device.group_next, group.device_list);
  yield* mutex_unlock(group.device_lock);
}
