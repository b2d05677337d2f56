/**
 * drivers/vfio/container.c, v6.6. The lock that it calls group_lock is the container's own rwsem, beneath that of a group.
 *
 * Left out: which backend it is, its module, and the ioctls that are passed on to it; noiommu; allocations that fail.
 */
import { NULL } from '../../../machines/object.ts';
import type { GroupFile, Vfio, VfioContainer, VfioDevice, VfioGroup } from '../../../machines/vfio/v6.6/index.ts';
import { iommu_group_claim_dma_owner, iommu_group_release_dma_owner } from '../../driver-core/iommu.ts';
import { follow } from '../../driver-core/pointer.ts';
import { along, kfree, moves, type Operation, WARN_ON } from '../../step.ts';
import { get_file, fput } from '../../sync/file.ts';
import { kref_get, kref_put } from '../../sync/kref.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_write, up_write } from '../../sync/rwsem.ts';
import { EINVAL } from '../errno.ts';
import { kzallocFrom, type Pools, vfio_iommu_driver_ops, type VfioIommuDriverOps } from './ops.ts';

function* vfio_container_put(container: VfioContainer): Operation {
  yield* kref_put(container.kref, () => kfree(container));
}

/** open(2) of /dev/vfio/vfio. */
export const vfio_fops_open = (_vfio: Vfio, pools: Pools): Operation<VfioContainer> => kzallocFrom(pools, 'vfio_container');

/** The last close of the container's file. */
export function* vfio_fops_release(_vfio: Vfio, container: VfioContainer): Operation<number> {
  yield* vfio_container_put(container);
  return 0;
}

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

/** VFIO_SET_IOMMU, with one backend, which is always there. */
export function* vfio_ioctl_set_iommu(
  vfio: Vfio,
  container: VfioContainer,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* down_write(container.group_lock);
  if ((yield* list_empty(container.group_list)) || (yield* load(container.iommu_driver))) {
    yield* up_write(container.group_lock);
    return -EINVAL;
  }
  yield* mutex_lock(vfio.iommu_drivers_lock);
  let ret = yield* ops.open(container);
  if (ret === 0) {
    ret = yield* __vfio_container_attach_groups(container, ops);
    if (ret === 0) yield* along(store(container.iommu_driver, true), moves(container.chart, 'iommu_set'));
    else yield* ops.release(container);
  }
  yield* mutex_unlock(vfio.iommu_drivers_lock);
  yield* up_write(container.group_lock);
  return ret;
}

/** Under the lock of the group. */
export function* vfio_container_attach_group(
  container: VfioContainer,
  group: VfioGroup,
  ops: VfioIommuDriverOps,
): Operation<number> {
  yield* down_write(container.group_lock);
  const iommu_group = yield* follow(group.iommu_group);
  let ret = yield* iommu_group_claim_dma_owner(iommu_group, group);
  if (ret === 0) {
    if (yield* load(container.iommu_driver)) {
      ret = yield* ops.attach_group(container, iommu_group);
      if (ret !== 0) yield* iommu_group_release_dma_owner(iommu_group);
    }
    if (ret === 0) {
      yield* along(store(group.container, container), moves(container.chart, 'attached'));
      yield* store(group.container_users, 1);
      yield* list_add(group.container_next, container.group_list);
      yield* kref_get(container.kref);
    }
  }
  yield* up_write(container.group_lock);
  return ret;
}

/** Under the lock of the group. The last group that goes takes the backend away. */
export function* vfio_group_detach_container(group: VfioGroup, ops: VfioIommuDriverOps = vfio_iommu_driver_ops): Operation {
  const container = yield* follow(group.container);
  yield* WARN_ON((yield* load(group.container_users)) !== 1, 'group->container_users != 1');
  yield* down_write(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  const iommu_group = yield* follow(group.iommu_group);
  if (driver) yield* ops.detach_group(container, iommu_group);
  yield* iommu_group_release_dma_owner(iommu_group);
  yield* along(store(group.container, NULL), moves(container.chart, 'detached'));
  yield* store(group.container_users, 0);
  yield* list_del(group.container_next, container.group_list);
  if (driver && (yield* list_empty(container.group_list))) {
    yield* ops.release(container);
    yield* along(store(container.iommu_driver, false), moves(container.chart, 'iommu_released'));
  }
  yield* up_write(container.group_lock);
  yield* vfio_container_put(container);
}

/** Under the lock of the group. The group's file stays while a device is open: it is the container's hold on the group. */
export function* vfio_group_use_container(group: VfioGroup): Operation<number> {
  const container = yield* follow(group.container);
  if (!(yield* load(container.iommu_driver))) return -EINVAL;
  yield* get_file((yield* follow(group.opened_file)).f_count);
  yield* store(group.container_users, (yield* load(group.container_users)) + 1);
  return 0;
}

/**
 * Under the lock of the group.
 * @param release what the last put of the group's file leads to
 */
export function* vfio_group_unuse_container(group: VfioGroup, release: (file: GroupFile) => Operation): Operation {
  const users = yield* load(group.container_users);
  yield* WARN_ON(users <= 1, 'group->container_users <= 1');
  yield* store(group.container_users, users - 1);
  const file = yield* follow(group.opened_file);
  yield* fput(file.f_count, () => release(file));
}

/** The container cannot change while a device is open, and its backend cannot go. */
export function* vfio_device_container_register(device: VfioDevice, group: VfioGroup, ops: VfioIommuDriverOps): Operation {
  const container = yield* follow(group.container);
  if (yield* load(container.iommu_driver)) yield* ops.register_device(container, device);
}

export function* vfio_device_container_unregister(device: VfioDevice, group: VfioGroup, ops: VfioIommuDriverOps): Operation {
  const container = yield* follow(group.container);
  if (yield* load(container.iommu_driver)) yield* ops.unregister_device(container, device);
}
