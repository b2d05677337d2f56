/**
 * drivers/vfio/vfio.c at 6cdd97821322 (v3.12): the references on containers, groups and devices, how groups and devices come
 * and go, and how they are found. A reference on a device is always one on its group, too.
 *
 * Left out: allocations and numbers that run out, and dev_set_drvdata(), which allocates; what is initialised before anybody
 * can see it, which a fresh struct has here from the beginning.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { Device, GroupEvent, IommuGroup, Vfio, VfioDevice, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, kfree, type Message, moves, type Operation, WARN_ON } from '../../step.ts';
import { idr_alloc, idr_find, idr_remove } from '../../sync/idr.ts';
import { kref_get, kref_put_mutex } from '../../sync/kref.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { wake_up } from '../../sync/wait-queue.ts';
import { device_create, device_destroy } from '../rfc-2021-09/core.ts';
import { iommu_group_register_notifier, iommu_group_unregister_notifier } from '../rfc-2021-09/iommu.ts';
import { MINORMASK } from '../rfc-2021-09/vfio-objects.ts';
import { iommu_group_id } from './iommu.ts';
import { kzallocFrom, type Pools } from './ops.ts';

export { vfio_container_get, vfio_container_put } from '../rfc-2021-09/vfio-objects.ts';

export const groupMoves = (group: VfioGroup, event: GroupEvent): Message => moves(group.chart, event);

/* ---- groups ---- */

export const vfio_group_get = (group: VfioGroup): Operation => kref_get(group.kref);

/** Called with group_lock held. A callback that comes in between finds the group on no list, and does nothing. */
function* vfio_group_unlock_and_free(vfio: Vfio, group: VfioGroup): Operation {
  yield* mutex_unlock(vfio.group_lock);
  yield* iommu_group_unregister_notifier(yield* follow(group.iommu_group), group.nb);
  yield* kfree(group);
}

const groupOf = (vfio: Vfio, iommu_group: IommuGroup): Operation<VfioGroup | undefined> =>
  list_for_each_entry<VfioGroup, VfioGroup | undefined>(vfio.group_list, 'vfio_next', function* (group) {
    return (yield* load(group.iommu_group)) === iommu_group ? group : undefined;
  });

/** @returns the new group, or that of somebody who came first; a negative errno */
export function* vfio_create_group(vfio: Vfio, iommu_group: IommuGroup, pools: Pools): Operation<VfioGroup | number> {
  const group = yield* kzallocFrom(pools, 'vfio_group');
  yield* store(group.iommu_group, iommu_group);
  // Outside group_lock: callbacks take it under the lock of the chain.
  const err = yield* iommu_group_register_notifier(iommu_group, group.nb);
  if (err !== 0) {
    yield* kfree(group);
    return err;
  }
  yield* mutex_lock(vfio.group_lock);
  // 0 is the number of /dev/vfio/vfio.
  const minor = yield* idr_alloc(vfio.group_idr, group, 1, MINORMASK + 1);
  const tmp = yield* groupOf(vfio, iommu_group);
  if (tmp !== undefined) {
    yield* vfio_group_get(tmp);
    yield* idr_remove(vfio.group_idr, minor);
    yield* vfio_group_unlock_and_free(vfio, group);
    return tmp;
  }
  const ret = yield* device_create(vfio.class, minor, String(yield* iommu_group_id(iommu_group)));
  if (ret !== 0) {
    yield* idr_remove(vfio.group_idr, minor);
    yield* vfio_group_unlock_and_free(vfio, group);
    return ret;
  }
  yield* store(group.minor, minor);
  yield* along(list_add(group.vfio_next, vfio.group_list), groupMoves(group, 'listed'));
  yield* mutex_unlock(vfio.group_lock);
  return group;
}

/** Called with group_lock held, and unlocks it. */
function* vfio_group_release(vfio: Vfio, group: VfioGroup): Operation {
  yield* WARN_ON(!(yield* list_empty(group.device_list)), '!list_empty(&group->device_list)');
  const minor = yield* load(group.minor);
  yield* device_destroy(vfio.class, minor);
  yield* along(list_del(group.vfio_next, vfio.group_list), groupMoves(group, 'released'));
  yield* idr_remove(vfio.group_idr, minor);
  yield* vfio_group_unlock_and_free(vfio, group);
}

export function* vfio_group_put(vfio: Vfio, group: VfioGroup): Operation {
  yield* kref_put_mutex(group.kref, () => vfio_group_release(vfio, group), vfio.group_lock);
}

/** It does not touch a group that it does not find: for a pointer that may be stale. */
export function* vfio_group_try_get(vfio: Vfio, target: VfioGroup): Operation<VfioGroup | Null> {
  yield* mutex_lock(vfio.group_lock);
  const found = yield* list_for_each_entry(vfio.group_list, 'vfio_next', function* (group: VfioGroup) {
    return group === target ? group : undefined;
  });
  if (found !== undefined) yield* vfio_group_get(found);
  yield* mutex_unlock(vfio.group_lock);
  return found ?? NULL;
}

export function* vfio_group_get_from_iommu(vfio: Vfio, iommu_group: IommuGroup): Operation<VfioGroup | Null> {
  yield* mutex_lock(vfio.group_lock);
  const found = yield* groupOf(vfio, iommu_group);
  if (found !== undefined) yield* vfio_group_get(found);
  yield* mutex_unlock(vfio.group_lock);
  return found ?? NULL;
}

export function* vfio_group_get_from_minor(vfio: Vfio, minor: number): Operation<VfioGroup | Null> {
  yield* mutex_lock(vfio.group_lock);
  const group = yield* idr_find<VfioGroup>(vfio.group_idr, minor);
  if (!isNull(group)) yield* vfio_group_get(group);
  yield* mutex_unlock(vfio.group_lock);
  return group;
}

/* ---- devices ---- */

export function* vfio_group_create_device(group: VfioGroup, dev: Device, pools: Pools): Operation<VfioDevice> {
  const device = yield* kzallocFrom(pools, 'vfio_device');
  yield* store(device.dev, dev);
  yield* store(device.group, group);
  yield* store(dev.driver_data, device);
  yield* vfio_group_get(group);
  yield* mutex_lock(group.device_lock);
  yield* along(list_add(device.group_next, group.device_list), moves(device.chart, 'listed'));
  yield* mutex_unlock(group.device_lock);
  return device;
}

/** Called with device_lock held, and unlocks it. */
function* vfio_device_release(vfio: Vfio, device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* along(list_del(device.group_next, group.device_list), moves(device.chart, 'unlisted'));
  yield* mutex_unlock(group.device_lock);
  const dev = yield* follow(device.dev);
  yield* store(dev.driver_data, NULL);
  yield* kfree(device);
  yield* wake_up(vfio.release_q);
}

export function* vfio_device_put(vfio: Vfio, device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* kref_put_mutex(device.kref, () => vfio_device_release(vfio, device), group.device_lock);
  yield* vfio_group_put(vfio, group);
}

export function* vfio_device_get(device: VfioDevice): Operation {
  yield* vfio_group_get(yield* follow(device.group));
  yield* kref_get(device.kref);
}

export function* vfio_group_get_device(group: VfioGroup, dev: Device): Operation<VfioDevice | Null> {
  yield* mutex_lock(group.device_lock);
  const found = yield* list_for_each_entry<VfioDevice, VfioDevice | undefined>(
    group.device_list,
    'group_next',
    function* (device) {
      if ((yield* load(device.dev)) !== dev) return undefined;
      yield* vfio_device_get(device);
      return device;
    },
  );
  yield* mutex_unlock(group.device_lock);
  return found ?? NULL;
}
