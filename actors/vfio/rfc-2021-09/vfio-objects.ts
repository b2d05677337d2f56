/**
 * drivers/vfio/vfio.c, v5.14 with RFC 02/20 and 03/20: the references on containers, groups and devices, how groups come
 * and go, and how the two are found.
 *
 * Left out: allocations and numbers that run out; noiommu; KVM; the waits of a group and what else is initialised before
 * anybody can see it, which a fresh struct has here from the beginning.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type {
  Device,
  DeviceEvent,
  GroupEvent,
  IommuGroup,
  Vfio,
  VfioContainer,
  VfioDevice,
  VfioGroup,
  VfioUnboundDev,
} from '../../../machines/vfio/rfc-2021-09/index.ts';
import { along, kfree, type Message, moves, type Operation, WARN_ON } from '../../step.ts';
import { complete } from '../../sync/completion.ts';
import { idr_alloc, idr_find, idr_remove } from '../../sync/idr.ts';
import { kref_get, kref_put, kref_put_mutex } from '../../sync/kref.ts';
import { list_add, list_del, list_empty, list_for_each_entry, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { refcount_dec_and_test, refcount_inc_not_zero } from '../../sync/refcount.ts';
import { device_create, device_destroy } from './core.ts';
import { iommu_group_put, iommu_group_register_notifier, iommu_group_unregister_notifier } from './iommu.ts';
import { kzallocFrom, type Pools } from './ops.ts';
import { deref, isNull } from './pointer.ts';

/** uapi: the minors end at MINORMASK. */
export const MINORMASK = (1 << 20) - 1;

export const deviceMoves = (device: VfioDevice, event: DeviceEvent): Message => moves(device.chart, event);
export const groupMoves = (group: VfioGroup, event: GroupEvent): Message => moves(group.chart, event);

/* ---- containers ---- */

export const vfio_container_get = (container: VfioContainer): Operation => kref_get(container.kref);

export function* vfio_container_put(container: VfioContainer): Operation {
  yield* kref_put(container.kref, () => kfree(container));
}

/* ---- groups ---- */

export const vfio_group_get = (group: VfioGroup): Operation => kref_get(group.kref);

/** Called with group_lock held. A callback that comes in between finds the group on no list, and does nothing. */
function* vfio_group_unlock_and_free(vfio: Vfio, group: VfioGroup): Operation {
  yield* mutex_unlock(vfio.group_lock);
  yield* iommu_group_unregister_notifier(deref(yield* load(group.iommu_group)), group.nb);
  yield* kfree(group);
}

/**
 * The caller's reference on the IOMMU group becomes the group's. Where another has been quicker it becomes nobody's: the
 * group that is returned has one already, and the caller, who takes it for a new one, does not put its own.
 * @returns the new group, or that of somebody who came first
 */
export function* vfio_create_group(vfio: Vfio, iommu_group: IommuGroup, pools: Pools): Operation<VfioGroup | number> {
  const group = yield* kzallocFrom(pools, 'vfio_group');
  yield* store(group.iommu_group, iommu_group);
  // Outside group_lock: callbacks take it under the lock of the chain.
  yield* iommu_group_register_notifier(iommu_group, group.nb);

  yield* mutex_lock(vfio.group_lock);
  const other = yield* list_for_each_entry(vfio.group_list, 'vfio_next', function* (tmp: VfioGroup) {
    return (yield* load(tmp.iommu_group)) === iommu_group ? tmp : undefined;
  });
  if (other !== undefined) {
    yield* vfio_group_get(other);
    yield* vfio_group_unlock_and_free(vfio, group);
    return other;
  }
  const minor = yield* idr_alloc(vfio.group_idr, group, 0, MINORMASK + 1);
  const ret = yield* device_create(vfio.class, minor, iommu_group.path);
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
  const iommu_group = deref(yield* load(group.iommu_group));
  yield* WARN_ON(!(yield* list_empty(group.device_list)), '!list_empty(&group->device_list)');
  yield* list_for_each_entry_safe(group.unbound_list, 'unbound_next', function* (unbound: VfioUnboundDev) {
    yield* list_del(unbound.unbound_next, group.unbound_list);
    yield* kfree(unbound);
  });
  const minor = yield* load(group.minor);
  yield* device_destroy(vfio.class, minor);
  yield* along(list_del(group.vfio_next, vfio.group_list), groupMoves(group, 'released'));
  yield* idr_remove(vfio.group_idr, minor);
  yield* vfio_group_unlock_and_free(vfio, group);
  yield* iommu_group_put(iommu_group);
}

export function* vfio_group_put(vfio: Vfio, group: VfioGroup): Operation {
  yield* kref_put_mutex(group.kref, () => vfio_group_release(vfio, group), vfio.group_lock);
}

/** It waits for the lock, and does not touch a group that it does not find: also for a pointer that may be stale, or NULL. */
export function* vfio_group_try_get(vfio: Vfio, target: VfioGroup | Null): Operation<VfioGroup | Null> {
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
  const found = yield* list_for_each_entry(vfio.group_list, 'vfio_next', function* (group: VfioGroup) {
    return (yield* load(group.iommu_group)) === iommu_group ? group : undefined;
  });
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

/** The last that lets go wakes who unregisters it. @param seen what moves with the put */
export function* vfio_device_put(device: VfioDevice, ...seen: readonly Message[]): Operation {
  if (yield* along(refcount_dec_and_test(device.refcount), ...seen))
    yield* along(complete(device.comp), deviceMoves(device, 'drained'));
}

export const vfio_device_try_get = (device: VfioDevice): Operation<boolean> => refcount_inc_not_zero(device.refcount);

export function* vfio_group_get_device(group: VfioGroup, dev: Device): Operation<VfioDevice | Null> {
  yield* mutex_lock(group.device_lock);
  const found = yield* list_for_each_entry(group.device_list, 'group_next', function* (device: VfioDevice) {
    return (yield* load(device.dev)) === dev && (yield* vfio_device_try_get(device)) ? device : undefined;
  });
  yield* mutex_unlock(group.device_lock);
  return found ?? NULL;
}
