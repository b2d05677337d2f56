/**
 * drivers/iommu/iommu.c, v6.6: who may do DMA from a group. Either drivers of the host, counted and without an owner, or
 * one owner, who may count, too.
 *
 * Left out: the domains that follow from it, and PASIDs. Where C asks whether the group is on its default domain, it asks
 * here for an owner alone: nobody attaches a domain without being one.
 */
import { NULL, type Null } from '../../machines/object.ts';
import type { Device, IommuGroup, IommuGroupOwner } from '../../machines/vfio/v6.6/index.ts';
import { kfree, type Operation, WARN_ON } from '../step.ts';
import { kref_get, kref_put } from '../sync/kref.ts';
import { load, store } from '../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../sync/mutex.ts';
import { EBUSY, ENODEV, EPERM } from '../vfio/errno.ts';
import { follow, isNull } from './pointer.ts';

/** Which is set when the device comes to its bus, long before any driver. @returns NULL behind no IOMMU */
export function* iommu_group_get(dev: Device): Operation<IommuGroup | Null> {
  const group = yield* load(dev.iommu_group);
  if (!isNull(group)) yield* kref_get(group.devices_kobj);
  return group;
}

export const iommu_group_ref_get = (group: IommuGroup): Operation => kref_get(group.devices_kobj);

export function* iommu_group_put(group: IommuGroup): Operation {
  yield* kref_put(group.devices_kobj, () => kfree(group));
}

/** The step of a host driver before its probe: -EBUSY, and no probe, while the group has an owner. */
export function* iommu_device_use_default_domain(dev: Device): Operation<number> {
  const group = yield* load(dev.iommu_group);
  if (isNull(group)) return 0;
  let ret = 0;
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (users !== 0 && !isNull(yield* load(group.owner))) ret = -EBUSY;
  else yield* store(group.owner_cnt, users + 1);
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_device_unuse_default_domain(dev: Device): Operation {
  const group = yield* load(dev.iommu_group);
  if (isNull(group)) return;
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (!(yield* WARN_ON(users === 0, '!group->owner_cnt'))) yield* store(group.owner_cnt, users - 1);
  yield* mutex_unlock(group.mutex);
}

function* __iommu_take_dma_ownership(group: IommuGroup, owner: IommuGroupOwner): Operation<number> {
  yield* store(group.owner, owner);
  yield* store(group.owner_cnt, 1);
  return 0;
}

function* __iommu_release_dma_ownership(group: IommuGroup, users: number): Operation {
  const ownerless = isNull(yield* load(group.owner));
  if (yield* WARN_ON(users === 0 || ownerless, '!group->owner_cnt || !group->owner')) return;
  yield* store(group.owner_cnt, 0);
  yield* store(group.owner, NULL);
}

/** By the group: nobody may have it, not even the same owner. */
export function* iommu_group_claim_dma_owner(group: IommuGroup, owner: IommuGroupOwner): Operation<number> {
  let ret = -EPERM;
  yield* mutex_lock(group.mutex);
  if ((yield* load(group.owner_cnt)) === 0) ret = yield* __iommu_take_dma_ownership(group, owner);
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_group_release_dma_owner(group: IommuGroup): Operation {
  yield* mutex_lock(group.mutex);
  yield* __iommu_release_dma_ownership(group, yield* load(group.owner_cnt));
  yield* mutex_unlock(group.mutex);
}

/** By a device of it: the same owner may have come before. */
export function* iommu_device_claim_dma_owner(dev: Device, owner: IommuGroupOwner): Operation<number> {
  const group = yield* load(dev.iommu_group);
  if (isNull(group)) return -ENODEV;
  let ret = 0;
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (users === 0) ret = yield* __iommu_take_dma_ownership(group, owner);
  else if ((yield* load(group.owner)) !== owner) ret = -EPERM;
  else yield* store(group.owner_cnt, users + 1);
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_device_release_dma_owner(dev: Device): Operation {
  const group = yield* follow(dev.iommu_group);
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (users > 1) yield* store(group.owner_cnt, users - 1);
  else yield* __iommu_release_dma_ownership(group, users);
  yield* mutex_unlock(group.mutex);
}

/** Not to be relied on: it may be different by the time that it is looked at. */
export function* iommu_group_dma_owner_claimed(group: IommuGroup): Operation<boolean> {
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  yield* mutex_unlock(group.mutex);
  return users !== 0;
}
