/**
 * drivers/vfio/vfio.c, v4.19: the references on containers, groups and devices, how they go, and how they are found.
 *
 * A reference on a device is one on its group, too. The count of a device ends under device_lock, that of a group under
 * vfio.group_lock, so that who finds one on its list finds it alive.
 *
 * Left out: how groups and devices come, which are there; minors and nodes; noiommu.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { NotifierChain } from '../../../machines/sync/notifier.ts';
import type {
  Device,
  GroupEvent,
  IommuGroup,
  Vfio,
  VfioContainer,
  VfioDevice,
  VfioGroup,
  VfioUnboundDev,
} from '../../../machines/vfio/v4.19/vfio.ts';
import { access, along, kfree, type Message, moves, type Operation, WARN_ON } from '../../step.ts';
import { kref_get, kref_put, kref_put_mutex } from '../../sync/kref.ts';
import { list_del, list_empty, list_for_each_entry, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { wake_up } from '../../sync/wait-queue.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { iommu_group_get, iommu_group_put, iommu_group_unregister_notifier } from '../rfc-2021-09/iommu.ts';

export const groupMoves = (group: VfioGroup, event: GroupEvent): Message => moves(group.chart, event);

/** `group->notifier.head`, without its lock. */
export const notifierHead = access<NotifierChain, 'head'>({ kind: 'read', plain: true }, 'head', { c: '$.head' });

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
  yield* iommu_group_unregister_notifier(yield* follow(group.iommu_group), group.nb);
  yield* kfree(group);
}

/** Called with group_lock held, and unlocks it. */
function* vfio_group_release(vfio: Vfio, group: VfioGroup): Operation {
  const iommu_group = yield* follow(group.iommu_group);
  yield* WARN_ON(!(yield* list_empty(group.device_list)), '!list_empty(&group->device_list)');
  yield* WARN_ON(!isNull(yield* notifierHead(group.notifier_head)), 'group->notifier.head');
  yield* list_for_each_entry_safe(group.unbound_list, 'unbound_next', function* (unbound: VfioUnboundDev) {
    yield* list_del(unbound.unbound_next, group.unbound_list);
    yield* kfree(unbound);
  });
  yield* along(list_del(group.vfio_next, vfio.group_list), groupMoves(group, 'released'));
  yield* vfio_group_unlock_and_free(vfio, group);
  yield* iommu_group_put(iommu_group);
}

export function* vfio_group_put(vfio: Vfio, group: VfioGroup): Operation {
  yield* kref_put_mutex(group.kref, () => vfio_group_release(vfio, group), vfio.group_lock);
}

function* findGroup(vfio: Vfio, isIt: (group: VfioGroup) => Operation<boolean>): Operation<VfioGroup | Null> {
  yield* mutex_lock(vfio.group_lock);
  const found = yield* list_for_each_entry(vfio.group_list, 'vfio_next', function* (group: VfioGroup) {
    return (yield* isIt(group)) ? group : undefined;
  });
  if (found !== undefined) yield* vfio_group_get(found);
  yield* mutex_unlock(vfio.group_lock);
  return found ?? NULL;
}

/** It waits for the lock, and does not touch a group that it does not find: also for a pointer that may be stale. */
export const vfio_group_try_get = (vfio: Vfio, target: VfioGroup): Operation<VfioGroup | Null> =>
  findGroup(vfio, function* (group) {
    return group === target;
  });

const vfio_group_get_from_iommu = (vfio: Vfio, iommu_group: IommuGroup): Operation<VfioGroup | Null> =>
  findGroup(vfio, function* (group) {
    return (yield* load(group.iommu_group)) === iommu_group;
  });

export function* vfio_group_get_from_dev(vfio: Vfio, dev: Device): Operation<VfioGroup | Null> {
  const iommu_group = yield* iommu_group_get(dev);
  if (isNull(iommu_group)) return NULL;
  const group = yield* vfio_group_get_from_iommu(vfio, iommu_group);
  yield* iommu_group_put(iommu_group);
  return group;
}

/* ---- devices ---- */

/** Called with device_lock held, and unlocks it. */
function* vfio_device_release(vfio: Vfio, device: VfioDevice): Operation {
  const group = yield* follow(device.group);
  yield* list_del(device.group_next, group.device_list);
  yield* mutex_unlock(group.device_lock);
  yield* store((yield* follow(device.dev)).driver_data, NULL);
  yield* kfree(device);
  yield* wake_up(vfio.release_q);
}

/** @param seen what moves with it */
export function* vfio_device_put(vfio: Vfio, device: VfioDevice, ...seen: readonly Message[]): Operation {
  const group = yield* along(follow(device.group), ...seen);
  yield* kref_put_mutex(device.kref, () => vfio_device_release(vfio, device), group.device_lock);
  yield* vfio_group_put(vfio, group);
}

/** @param seen what moves with it */
export function* vfio_device_get(device: VfioDevice, ...seen: readonly Message[]): Operation {
  yield* vfio_group_get(yield* follow(device.group));
  yield* along(kref_get(device.kref), ...seen);
}

export function* vfio_group_get_device(group: VfioGroup, dev: Device): Operation<VfioDevice | Null> {
  yield* mutex_lock(group.device_lock);
  const found = yield* list_for_each_entry(group.device_list, 'group_next', function* (device: VfioDevice) {
    return (yield* load(device.dev)) === dev ? device : undefined;
  });
  if (found !== undefined) yield* vfio_device_get(found);
  yield* mutex_unlock(group.device_lock);
  return found ?? NULL;
}
