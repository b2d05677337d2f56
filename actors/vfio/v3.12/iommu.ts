/**
 * drivers/iommu/iommu.c, v3.12: what it tells the listeners of a group, and how a device leaves its group. The rest is as in
 * v5.14. Read in excerpts of neighbouring versions.
 *
 * Left out: the domains; that devices join a group; links in sysfs.
 */
import type { Device, IommuGroup } from '../../../machines/vfio/rfc-2021-09/index.ts';
import type { Field } from '../../../machines/sync/field.ts';
import { type Handle, NULL } from '../../../machines/object.ts';
import type { Operation } from '../../step.ts';
import { list_del, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { blocking_notifier_call_chain, type Callbacks } from '../../sync/notifier.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { iommu_group_get, iommu_group_put } from '../rfc-2021-09/iommu.ts';

/** include/linux/iommu.h */
export const IOMMU_GROUP_NOTIFY_DEL_DEVICE = 2;
export const IOMMU_GROUP_NOTIFY_BIND_DRIVER = 3;
export const IOMMU_GROUP_NOTIFY_BOUND_DRIVER = 4;
export const IOMMU_GROUP_NOTIFY_UNBIND_DRIVER = 5;
export const IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER = 6;

const notifier = (group: IommuGroup) => ({ rwsem: group.notifier_rwsem, head: group.notifier_head });

export const iommu_group_id = ({ id }: { readonly id: Handle<Field<number>> }): Operation<number> => load(id);

/** What an IOMMU driver does when a device leaves its bus. */
export function* iommu_group_remove_device(dev: Device, callbacks: Callbacks): Operation {
  const group = yield* follow(dev.iommu_group);
  yield* blocking_notifier_call_chain(notifier(group), callbacks, IOMMU_GROUP_NOTIFY_DEL_DEVICE, dev);
  yield* mutex_lock(group.mutex);
  const device = yield* list_for_each_entry<Device, Device | undefined>(group.devices, 'group_device', function* (entry) {
    if (entry !== dev) return undefined;
    yield* list_del(entry.group_device, group.devices);
    return entry;
  });
  yield* mutex_unlock(group.mutex);
  if (device === undefined) return;
  yield* store(dev.iommu_group, NULL);
  yield* iommu_group_put(group);
}

/** What the bus says of the drivers of a device is said again to those who listen to its group. */
export function* iommu_bus_notifier(dev: Device, action: number, callbacks: Callbacks): Operation {
  const group = yield* iommu_group_get(dev);
  if (isNull(group)) return;
  yield* blocking_notifier_call_chain(notifier(group), callbacks, action, dev);
  yield* iommu_group_put(group);
}
