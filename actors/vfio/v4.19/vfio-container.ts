/**
 * drivers/vfio/vfio.c, v4.19, the half of it that stands between a container and its back end: which groups are on it, who
 * keeps them there, and what is passed on.
 *
 * The ioctls of a container and the calls of drivers take no lock and no reference on the back end; up to v4.13 they hold
 * group_lock for reading (see v4.13). The last user of a group takes it off its container, whoever that is.
 *
 * Left out: how descriptors, groups and devices are found and put; viability, noiommu, KVM; the module of the back end and
 * the choice of it; what GET_DEVICE_FD may fail at after the driver's open.
 */
import type { UserTask } from '../../../machines/mm/mm.ts';
import { type Handle, NULL, type Null } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Vfio, VfioContainer, VfioDevice, VfioGroup, VfioIommu } from '../../../machines/vfio/v4.19/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import { along, kfree, moves, type Operation } from '../../step.ts';
import {
  atomic_cmpxchg,
  atomic_dec,
  atomic_dec_if_positive,
  atomic_inc,
  atomic_inc_not_zero,
  atomic_read,
} from '../../sync/atomic.ts';
import { kref_get, kref_put } from '../../sync/kref.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_write, up_write } from '../../sync/rwsem.ts';
import { wake_up } from '../../sync/wait-queue.ts';
import { EBUSY, EINVAL, ENOTTY } from '../errno.ts';
import {
  type DmaMap,
  type DmaUnmap,
  type Type1,
  vfio_dma_do_map,
  vfio_dma_do_unmap,
  vfio_iommu_type1_attach_group,
  vfio_iommu_type1_detach_group,
  vfio_iommu_type1_open,
  vfio_iommu_type1_pin_pages,
  vfio_iommu_type1_register_notifier,
  vfio_iommu_type1_release,
  vfio_iommu_type1_unpin_pages,
  vfio_iommu_type1_unregister_notifier,
} from './vfio_iommu_type1.ts';

function* vfio_container_put(container: VfioContainer): Operation {
  yield* kref_put(container.kref, () => kfree(container));
}

/** The last close of the container's file. */
export const vfio_fops_release = (container: VfioContainer): Operation => vfio_container_put(container);

/* ---- the container fd ---- */

function* __vfio_container_attach_groups(
  container: VfioContainer,
  data: VfioIommu,
  current: UserTask,
  type1: Type1,
): Operation<number> {
  const attached: VfioGroup[] = [];
  const failed = yield* list_for_each_entry<VfioGroup, number | undefined>(
    container.group_list,
    'container_next',
    function* (group) {
      const ret = yield* vfio_iommu_type1_attach_group(data, yield* follow(group.iommu_group), current, type1);
      if (ret !== 0) return ret;
      attached.unshift(group);
      return undefined;
    },
  );
  if (failed === undefined) return 0;
  for (const group of attached) yield* vfio_iommu_type1_detach_group(data, yield* follow(group.iommu_group));
  return failed;
}

/** VFIO_SET_IOMMU with VFIO_TYPE1v2_IOMMU. */
export function* vfio_ioctl_set_iommu(vfio: Vfio, container: VfioContainer, current: UserTask, type1: Type1): Operation<number> {
  yield* down_write(container.group_lock);
  if ((yield* list_empty(container.group_list)) || (yield* load(container.iommu_driver))) {
    yield* up_write(container.group_lock);
    return -EINVAL;
  }
  yield* mutex_lock(vfio.iommu_drivers_lock);
  const data = yield* vfio_iommu_type1_open(type1);
  const ret = yield* __vfio_container_attach_groups(container, data, current, type1);
  if (ret === 0) {
    yield* along(store(container.iommu_driver, true), moves(container.chart, 'iommu_set'));
    yield* store(container.iommu_data, data);
  } else yield* vfio_iommu_type1_release(data);
  yield* mutex_unlock(vfio.iommu_drivers_lock);
  yield* up_write(container.group_lock);
  return ret;
}

/** What is not for the container itself goes to its back end. */
export function* vfio_fops_unl_ioctl(container: VfioContainer, pass: (data: VfioIommu) => Operation<number>): Operation<number> {
  const driver = yield* load(container.iommu_driver);
  const data = yield* load(container.iommu_data);
  return driver ? yield* pass(data as VfioIommu) : -EINVAL;
}

/** VFIO_IOMMU_MAP_DMA */
export const vfio_iommu_map_dma = (container: VfioContainer, map: DmaMap, current: UserTask, type1: Type1): Operation<number> =>
  vfio_fops_unl_ioctl(container, (data) => vfio_dma_do_map(data, map, current, type1));

/** VFIO_IOMMU_UNMAP_DMA. @returns how many pages were unmapped, or a negative errno */
export const vfio_iommu_unmap_dma = (
  container: VfioContainer,
  unmap: DmaUnmap,
  current: UserTask,
  type1: Type1,
): Operation<number> => vfio_fops_unl_ioctl(container, (data) => vfio_dma_do_unmap(data, unmap, current, type1));

/* ---- the group fd ---- */

function* __vfio_group_unset_container(group: VfioGroup): Operation {
  const container = yield* follow(group.container);
  yield* down_write(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  if (driver) yield* vfio_iommu_type1_detach_group(yield* follow(container.iommu_data), yield* follow(group.iommu_group));
  yield* along(store(group.container, NULL), moves(container.chart, 'detached'));
  yield* wake_up(group.container_q);
  yield* list_del(group.container_next, container.group_list);
  if (driver && (yield* list_empty(container.group_list))) {
    yield* vfio_iommu_type1_release(yield* follow(container.iommu_data));
    yield* along(store(container.iommu_driver, false), moves(container.chart, 'iommu_released'));
    yield* store(container.iommu_data, NULL);
  }
  yield* up_write(container.group_lock);
  yield* vfio_container_put(container);
}

/** VFIO_GROUP_UNSET_CONTAINER */
export function* vfio_group_unset_container(group: VfioGroup): Operation<number> {
  const users = yield* atomic_cmpxchg(group.container_users, 1, 0);
  if (users === 0) return -EINVAL;
  if (users !== 1) return -EBUSY;
  yield* __vfio_group_unset_container(group);
  return 0;
}

export function* vfio_group_try_dissolve_container(group: VfioGroup): Operation {
  if ((yield* atomic_dec_if_positive(group.container_users)) === 0) yield* __vfio_group_unset_container(group);
}

/** VFIO_GROUP_SET_CONTAINER */
export function* vfio_group_set_container(
  group: VfioGroup,
  container: VfioContainer,
  current: UserTask,
  type1: Type1,
): Operation<number> {
  if ((yield* atomic_read(group.container_users)) !== 0) return -EINVAL;
  yield* down_write(container.group_lock);
  let ret = 0;
  if (yield* load(container.iommu_driver))
    ret = yield* vfio_iommu_type1_attach_group(
      yield* follow(container.iommu_data),
      yield* follow(group.iommu_group),
      current,
      type1,
    );
  if (ret === 0) {
    yield* along(store(group.container, container), moves(container.chart, 'attached'));
    yield* list_add(group.container_next, container.group_list);
    yield* kref_get(container.kref);
    yield* atomic_inc(group.container_users);
  }
  yield* up_write(container.group_lock);
  return ret;
}

function* vfio_group_add_container_user(group: VfioGroup): Operation<number> {
  if (!(yield* atomic_inc_not_zero(group.container_users))) return -EINVAL;
  if (yield* load((yield* follow(group.container)).iommu_driver)) return 0;
  yield* atomic_dec(group.container_users);
  return -EINVAL;
}

/** struct vfio_device_ops, of which a container sees this much. */
export interface VfioDeviceOps {
  readonly open: () => Operation<number>;
  readonly release: () => Operation;
}

/** VFIO_GROUP_GET_DEVICE_FD */
export function* vfio_group_get_device_fd(group: VfioGroup, ops: VfioDeviceOps): Operation<number> {
  if ((yield* atomic_read(group.container_users)) === 0) return -EINVAL;
  if (!(yield* load((yield* follow(group.container)).iommu_driver))) return -EINVAL;
  const ret = yield* ops.open();
  if (ret !== 0) return ret;
  yield* atomic_inc(group.container_users);
  return 0;
}

/** The last close of the group's file, which its devices' files may outlive. */
export function* vfio_group_fops_release(group: VfioGroup): Operation {
  yield* vfio_group_try_dissolve_container(group);
  yield* atomic_dec(group.opened);
}

/** The last close of a device file. */
export function* vfio_device_fops_release(device: VfioDevice, ops: VfioDeviceOps): Operation {
  yield* ops.release();
  yield* vfio_group_try_dissolve_container(yield* follow(device.group));
}

/* ---- for drivers of mediated devices ---- */

/** Around each call the group is kept on its container, or taken off it where this was the last to keep it. */
export function* withContainer(group: VfioGroup, does: (data: VfioIommu | Null) => Operation<number>): Operation<number> {
  const ret = yield* vfio_group_add_container_user(group);
  if (ret !== 0) return ret;
  const container = yield* follow(group.container);
  const result = (yield* load(container.iommu_driver)) ? yield* does(yield* load(container.iommu_data)) : -ENOTTY;
  yield* vfio_group_try_dissolve_container(group);
  return result;
}

/** @returns how many pages were pinned, or a negative errno */
export const vfio_pin_pages = (group: VfioGroup, user_pfn: readonly number[], type1: Type1): Operation<number> =>
  withContainer(group, (data) => vfio_iommu_type1_pin_pages(data, user_pfn, type1));

export const vfio_unpin_pages = (group: VfioGroup, user_pfn: readonly number[]): Operation<number> =>
  withContainer(group, (data) => vfio_iommu_type1_unpin_pages(data, user_pfn));

/** For VFIO_IOMMU_NOTIFY. */
export const vfio_register_notifier = (group: VfioGroup, nb: Handle<Field<string>>): Operation<number> =>
  withContainer(group, (data) => vfio_iommu_type1_register_notifier(data as VfioIommu, nb));

export const vfio_unregister_notifier = (group: VfioGroup, nb: Handle<Field<string>>): Operation<number> =>
  withContainer(group, (data) => vfio_iommu_type1_unregister_notifier(data as VfioIommu, nb));
