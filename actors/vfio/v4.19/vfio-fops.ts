/**
 * drivers/vfio/vfio.c, v4.19: the files of a container, a group and a device, as user space opens, asks and closes them.
 * A release is the last close.
 *
 * An ioctl keeps its file open: no scenario closes a file while a call on it runs.
 *
 * What a container passes on takes no lock and no reference on the back end; up to v4.13 it holds group_lock for reading
 * (see v4.13).
 *
 * Left out: copying from and to user space; noiommu and its capability; descriptors and files that cannot be had; what is
 * passed on to a driver; that a chain that was left over is initialised anew, after the warning of it.
 */
import { NULL } from '../../../machines/object.ts';
import type { FdTable, GroupFile, VfioContainer, VfioDevice, VfioGroup } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, moves, type Operation, WARN_ON } from '../../step.ts';
import {
  atomic_cmpxchg,
  atomic_dec,
  atomic_dec_if_positive,
  atomic_inc,
  atomic_inc_not_zero,
  atomic_read,
} from '../../sync/atomic.ts';
import { fput } from '../../sync/file.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_read, down_write, up_read, up_write } from '../../sync/rwsem.ts';
import { wake_up } from '../../sync/wait-queue.ts';
import { EBADF, EBUSY, EINVAL, ENODEV, ENOTTY } from '../errno.ts';
import { dev_name } from '../rfc-2021-09/core.ts';
import {
  type Core,
  type DmaMap,
  type DmaUnmap,
  type IommuData,
  kzallocFrom,
  type Pools,
  vfio_device_ops,
  type VfioDeviceOps,
  type VfioIommuIoctl,
} from './ops.ts';
import { type DevViable, vfio_group_viable } from './vfio-notifier.ts';
import {
  groupMoves,
  notifierHead,
  vfio_container_get,
  vfio_container_put,
  vfio_device_get,
  vfio_device_put,
  vfio_group_get,
  vfio_group_put,
} from './vfio-objects.ts';

/* ---- /dev/vfio/vfio ---- */

export const vfio_fops_open = (_core: Core, pools: Pools): Operation<VfioContainer> => kzallocFrom(pools, 'vfio_container');

export function* vfio_fops_release(_core: Core, container: VfioContainer): Operation<number> {
  yield* vfio_container_put(container);
  return 0;
}

/** Without a back end each that is registered is asked, which is the one. */
export function* vfio_ioctl_check_extension(core: Core, container: VfioContainer, arg: string): Operation<number> {
  const { vfio, iommu_driver, backend } = core;
  let ret = 0;
  yield* down_read(container.group_lock);
  if (!isNull(yield* load(container.iommu_driver))) {
    ret = yield* backend.check_extension(yield* follow(container.iommu_data), arg);
  } else {
    yield* mutex_lock(vfio.iommu_drivers_lock);
    if (yield* try_module_get(iommu_driver.owner)) {
      ret = yield* backend.check_extension(NULL, arg);
      yield* module_put(iommu_driver.owner);
    }
    yield* mutex_unlock(vfio.iommu_drivers_lock);
  }
  yield* up_read(container.group_lock);
  return ret;
}

function* __vfio_container_attach_groups({ backend }: Core, container: VfioContainer, data: IommuData): Operation<number> {
  const attached: VfioGroup[] = [];
  const failed = yield* list_for_each_entry(container.group_list, 'container_next', function* (group: VfioGroup) {
    const ret = yield* backend.attach_group(data, yield* follow(group.iommu_group));
    if (ret !== 0) return ret;
    attached.unshift(group);
    return undefined;
  });
  if (failed === undefined) return 0;
  for (const group of attached) yield* backend.detach_group(data, yield* follow(group.iommu_group));
  return failed;
}

function* openBackend(core: Core, container: VfioContainer, arg: string): Operation<number> {
  const { iommu_driver, backend } = core;
  if (!(yield* try_module_get(iommu_driver.owner))) return -ENODEV;
  let ret = -ENODEV;
  if ((yield* backend.check_extension(NULL, arg)) > 0) {
    const data = yield* backend.open();
    if (typeof data === 'number') ret = data;
    else {
      ret = yield* __vfio_container_attach_groups(core, container, data);
      if (ret === 0) {
        yield* along(store(container.iommu_driver, iommu_driver), moves(container.chart, 'iommu_set'));
        yield* store(container.iommu_data, data);
        return 0;
      }
      yield* backend.release(data);
    }
  }
  yield* module_put(iommu_driver.owner);
  return ret;
}

/** VFIO_SET_IOMMU */
export function* vfio_ioctl_set_iommu(core: Core, container: VfioContainer, arg = 'VFIO_TYPE1_IOMMU'): Operation<number> {
  yield* down_write(container.group_lock);
  if ((yield* list_empty(container.group_list)) || !isNull(yield* load(container.iommu_driver))) {
    yield* up_write(container.group_lock);
    return -EINVAL;
  }
  yield* mutex_lock(core.vfio.iommu_drivers_lock);
  const ret = yield* openBackend(core, container, arg);
  yield* mutex_unlock(core.vfio.iommu_drivers_lock);
  yield* up_write(container.group_lock);
  return ret;
}

/** What is not for the container itself goes to its back end. */
export function* vfio_fops_unl_ioctl({ backend }: Core, container: VfioContainer, ...request: VfioIommuIoctl): Operation<number> {
  const driver = yield* load(container.iommu_driver);
  const data = yield* load(container.iommu_data);
  if (isNull(driver)) return -EINVAL;
  return backend.ioctl === undefined ? -ENOTTY : yield* backend.ioctl(data, ...request);
}

export const vfio_iommu_map_dma = (core: Core, container: VfioContainer, map: DmaMap): Operation<number> =>
  vfio_fops_unl_ioctl(core, container, 'VFIO_IOMMU_MAP_DMA', map);

/** @returns how many pages were unmapped, or a negative errno */
export const vfio_iommu_unmap_dma = (core: Core, container: VfioContainer, unmap: DmaUnmap): Operation<number> =>
  vfio_fops_unl_ioctl(core, container, 'VFIO_IOMMU_UNMAP_DMA', unmap);

/* ---- /dev/vfio/$GROUP ---- */

function* __vfio_group_unset_container({ backend }: Core, group: VfioGroup): Operation {
  const container = yield* follow(group.container);
  yield* down_write(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  if (!isNull(driver)) {
    const data = yield* follow(container.iommu_data);
    yield* backend.detach_group(data, yield* follow(group.iommu_group));
  }
  yield* along(store(group.container, NULL), groupMoves(group, 'detached'), moves(container.chart, 'detached'));
  yield* wake_up(group.container_q);
  yield* list_del(group.container_next, container.group_list);
  if (!isNull(driver) && (yield* list_empty(container.group_list))) {
    yield* backend.release(yield* follow(container.iommu_data));
    yield* module_put(driver.owner);
    yield* along(store(container.iommu_driver, NULL), moves(container.chart, 'iommu_released'));
    yield* store(container.iommu_data, NULL);
  }
  yield* up_write(container.group_lock);
  yield* vfio_container_put(container);
}

/** VFIO_GROUP_UNSET_CONTAINER */
export function* vfio_group_unset_container(core: Core, group: VfioGroup): Operation<number> {
  const users = yield* atomic_cmpxchg(group.container_users, 1, 0);
  if (users === 0) return -EINVAL;
  if (users !== 1) return -EBUSY;
  yield* __vfio_group_unset_container(core, group);
  return 0;
}

/** Who takes the last user away takes the group off its container. */
export function* vfio_group_try_dissolve_container(core: Core, group: VfioGroup): Operation {
  if ((yield* atomic_dec_if_positive(group.container_users)) === 0) yield* __vfio_group_unset_container(core, group);
}

/** VFIO_GROUP_SET_CONTAINER. That nobody uses one yet is asked before, and not under, the lock under which it is set. */
export function* vfio_group_set_container({ backend }: Core, group: VfioGroup, container: VfioContainer): Operation<number> {
  if ((yield* atomic_read(group.container_users)) !== 0) return -EINVAL;
  yield* down_write(container.group_lock);
  if (!isNull(yield* load(container.iommu_driver))) {
    const data = yield* follow(container.iommu_data);
    const ret = yield* backend.attach_group(data, yield* follow(group.iommu_group));
    if (ret !== 0) {
      yield* up_write(container.group_lock);
      return ret;
    }
  }
  yield* along(store(group.container, container), groupMoves(group, 'attached'), moves(container.chart, 'attached'));
  yield* list_add(group.container_next, container.group_list);
  yield* vfio_container_get(container);
  yield* atomic_inc(group.container_users);
  yield* up_write(container.group_lock);
  return 0;
}

/**
 * On every way on which it fails it takes back its user plainly: were it the last by then, nobody would dissolve.
 * @param takeBack how, in another design
 */
export function* vfio_group_add_container_user(
  core: Core,
  group: VfioGroup,
  viable?: DevViable,
  takeBack: (group: VfioGroup) => Operation = ({ container_users }) => atomic_dec(container_users),
): Operation<number> {
  if (!(yield* atomic_inc_not_zero(group.container_users))) return -EINVAL;
  const container = yield* follow(group.container);
  if (isNull(yield* load(container.iommu_driver)) || !(yield* vfio_group_viable(core, group, viable))) {
    yield* takeBack(group);
    return -EINVAL;
  }
  return 0;
}

function* vfio_device_get_from_name(group: VfioGroup, name: string): Operation<VfioDevice | number> {
  yield* mutex_lock(group.device_lock);
  const device = yield* list_for_each_entry(group.device_list, 'group_next', function* (it: VfioDevice) {
    return (yield* dev_name(yield* follow(it.dev))) === name ? it : undefined;
  });
  if (device !== undefined) yield* vfio_device_get(device, moves(device.files, 'atomic_inc'));
  yield* mutex_unlock(group.device_lock);
  return device ?? -ENODEV;
}

const letGo = (core: Core, device: VfioDevice): Operation =>
  vfio_device_put(core.vfio, device, moves(device.files, 'atomic_dec'));

/**
 * VFIO_GROUP_GET_DEVICE_FD. Its three conditions are three looks, and nothing keeps them true until it counts itself in.
 * @returns the device, or a negative errno
 */
export function* vfio_group_get_device_fd(
  core: Core,
  group: VfioGroup,
  name: string,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<VfioDevice | number> {
  if ((yield* atomic_read(group.container_users)) === 0) return -EINVAL;
  const container = yield* follow(group.container);
  if (isNull(yield* load(container.iommu_driver))) return -EINVAL;
  if (!(yield* vfio_group_viable(core, group))) return -EINVAL;

  const device = yield* vfio_device_get_from_name(group, name);
  if (typeof device === 'number') return device;
  const ret = yield* ops.open(device);
  if (ret !== 0) {
    yield* letGo(core, device);
    return ret;
  }
  yield* atomic_inc(group.container_users);
  return device;
}

export const VFIO_GROUP_FLAGS_VIABLE = 1;
export const VFIO_GROUP_FLAGS_CONTAINER_SET = 2;

/** VFIO_GROUP_GET_STATUS */
export function* vfio_group_get_status(core: Core, group: VfioGroup): Operation<number> {
  const viable = (yield* vfio_group_viable(core, group)) ? VFIO_GROUP_FLAGS_VIABLE : 0;
  return viable | (isNull(yield* load(group.container)) ? 0 : VFIO_GROUP_FLAGS_CONTAINER_SET);
}

/** From where its look-up by minor has found the group, and has a reference. */
function* vfio_group_fops_open({ vfio }: Core, group: VfioGroup): Operation<number> {
  yield* vfio_group_get(group);
  if ((yield* along(atomic_cmpxchg(group.opened, 0, 1))) !== 0) {
    yield* vfio_group_put(vfio, group);
    return -EBUSY;
  }
  // Is something still in use from a previous open?
  if (!isNull(yield* load(group.container))) {
    yield* atomic_dec(group.opened);
    yield* vfio_group_put(vfio, group);
    return -EBUSY;
  }
  yield* WARN_ON(!isNull(yield* notifierHead(group.notifier_head)), 'group->notifier.head');
  return 0;
}

/** The last close of the group's file, which its devices' files may outlive. */
export function* vfio_group_fops_release(core: Core, group: VfioGroup): Operation<number> {
  yield* vfio_group_try_dissolve_container(core, group);
  yield* along(atomic_dec(group.opened), groupMoves(group, 'closed'));
  yield* vfio_group_put(core.vfio, group);
  return 0;
}

/** open(2) of /dev/vfio/<group>. @param file a struct file that nobody uses */
export function* openGroup(core: Core, group: VfioGroup, file: GroupFile, fds: FdTable): Operation<number> {
  const ret = yield* vfio_group_fops_open(core, group);
  if (ret !== 0) return ret;
  yield* along(store(file.private_data, group), groupMoves(group, 'opened'));
  yield* store(fds.group, file);
  return 0;
}

/** close(2) of its descriptor: the file is released when nobody looks at it any more. */
export function* closeGroup(core: Core, fds: FdTable): Operation<number> {
  const file = yield* load(fds.group);
  if (isNull(file)) return -EBADF;
  yield* store(fds.group, NULL);
  yield* putGroupFile(core, file);
  return 0;
}

/** fdput(), and the last close(2). */
export const putGroupFile = (core: Core, file: GroupFile): Operation =>
  fput(file.f_count, function* () {
    yield* vfio_group_fops_release(core, yield* follow(file.private_data));
  });

/* ---- what VFIO_GROUP_GET_DEVICE_FD gives ---- */

export function* vfio_device_fops_release(
  core: Core,
  device: VfioDevice,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> {
  yield* ops.release(device);
  yield* vfio_group_try_dissolve_container(core, yield* follow(device.group));
  yield* letGo(core, device);
  return 0;
}
