/**
 * drivers/iommu/iommu.c, v5.14: the group of a device, its members, and who is told when a driver comes or goes.
 *
 * Left out: the domains; that devices join and leave a group; of what is republished to the listeners of a group, all
 * but BOUND and UNBOUND. Told of BIND or UNBIND, VFIO takes a reference on its group and has a worker drop it.
 */
import { isNull } from './pointer.ts';
import type { Handle, Null } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Device, IommuGroup } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { kfree, type Operation } from '../../step.ts';
import { kref_get, kref_put } from '../../sync/kref.ts';
import { list_for_each_entry } from '../../sync/list.ts';
import { load } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import {
  type BlockingNotifierHead,
  blocking_notifier_call_chain,
  blocking_notifier_chain_register,
  blocking_notifier_chain_unregister,
  type Callbacks,
} from '../../sync/notifier.ts';

export const IOMMU_GROUP_NOTIFY_BOUND_DRIVER = 4;
export const IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER = 6;

export function* iommu_group_get<G extends IommuGroup>(dev: {
  readonly iommu_group: Handle<Field<G | Null>>;
}): Operation<G | Null> {
  const group = yield* load(dev.iommu_group);
  if (!isNull(group)) yield* kref_get(group.devices_kobj);
  return group;
}

export function* iommu_group_put(group: IommuGroup): Operation {
  yield* kref_put(group.devices_kobj, () => kfree(group));
}

/** Until one of them is something else than 0, which is then returned. */
export function* iommu_group_for_each_dev<D extends Device>(
  group: IommuGroup,
  fn: (dev: D) => Operation<number>,
): Operation<number> {
  yield* mutex_lock(group.mutex);
  const ret = yield* list_for_each_entry<Device, number | undefined>(group.devices, 'group_device', function* (dev) {
    const result = yield* fn(dev as D);
    return result === 0 ? undefined : result;
  });
  yield* mutex_unlock(group.mutex);
  return ret ?? 0;
}

const notifier = (group: IommuGroup): BlockingNotifierHead => ({ rwsem: group.notifier_rwsem, head: group.notifier_head });

export const iommu_group_register_notifier = (group: IommuGroup, nb: Handle<Field<string>>): Operation<number> =>
  blocking_notifier_chain_register(notifier(group), nb);

export const iommu_group_unregister_notifier = (group: IommuGroup, nb: Handle<Field<string>>): Operation<number> =>
  blocking_notifier_chain_unregister(notifier(group), nb);

/** What the bus says of a device is said again to those who listen to its group. */
export function* iommu_bus_notifier(dev: Device, action: number, callbacks: Callbacks): Operation {
  const group = yield* iommu_group_get(dev);
  if (isNull(group)) return;
  yield* blocking_notifier_call_chain(notifier(group), callbacks, action, dev);
  yield* iommu_group_put(group);
}
