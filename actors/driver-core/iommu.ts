/**
 * drivers/iommu/iommu.c, v6.6: who may do DMA from a group. Either drivers of the host, counted and without an owner, or
 * one owner, who may count, too.
 *
 * Left out: the default and the blocking domain that follow from it, and PASIDs. Where C asks whether the group is on its
 * default domain, it asks here for an owner alone: nobody attaches a domain without being one. What the driver of the IOMMU
 * says to a domain: it takes it. The reference on its group that each call by a device has for its length: that of the
 * device is there anyway.
 */
import { NULL, type Null } from '../../machines/object.ts';
import type { DmaClaims } from '../../machines/driver-core/dma-claims.ts';
import type { Device, IommufdHwPagetable, IommuGroup, IommuGroupOwner } from '../../machines/vfio/v6.6/index.ts';
import { along, kfree, type Message, message, type Operation, WARN_ON } from '../step.ts';
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

type Claimant = Device | IommuGroup;

const claimed = (group: IommuGroup, claimant: Claimant, owner: IommuGroupOwner | Null): Message =>
  message<DmaClaims, 'claimed'>('update', group.dma, 'claimed', { claimant, owner });
const released = (group: IommuGroup, claimant: Claimant): Message =>
  message<DmaClaims, 'released'>('update', group.dma, 'released', { claimant });

/** The step of a host driver before its probe: -EBUSY, and no probe, while the group has an owner. */
export function* iommu_device_use_default_domain(dev: Device): Operation<number> {
  const group = yield* load(dev.iommu_group);
  if (isNull(group)) return 0;
  let ret = 0;
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (users !== 0 && !isNull(yield* load(group.owner))) ret = -EBUSY;
  else yield* along(store(group.owner_cnt, users + 1), claimed(group, dev, NULL));
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_device_unuse_default_domain(dev: Device): Operation {
  const group = yield* load(dev.iommu_group);
  if (isNull(group)) return;
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (!(yield* WARN_ON(users === 0, '!group->owner_cnt'))) yield* along(store(group.owner_cnt, users - 1), released(group, dev));
  yield* mutex_unlock(group.mutex);
}

function* __iommu_take_dma_ownership(group: IommuGroup, claimant: Claimant, owner: IommuGroupOwner): Operation<number> {
  yield* store(group.owner, owner);
  yield* along(store(group.owner_cnt, 1), claimed(group, claimant, owner));
  return 0;
}

function* __iommu_release_dma_ownership(group: IommuGroup, claimant: Claimant, users: number): Operation {
  const ownerless = isNull(yield* load(group.owner));
  if (yield* WARN_ON(users === 0 || ownerless, '!group->owner_cnt || !group->owner')) return;
  yield* along(store(group.owner_cnt, 0), released(group, claimant));
  yield* store(group.owner, NULL);
}

/** By the group: nobody may have it, not even the same owner. */
export function* iommu_group_claim_dma_owner(group: IommuGroup, owner: IommuGroupOwner): Operation<number> {
  let ret = -EPERM;
  yield* mutex_lock(group.mutex);
  if ((yield* load(group.owner_cnt)) === 0) ret = yield* __iommu_take_dma_ownership(group, group, owner);
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_group_release_dma_owner(group: IommuGroup): Operation {
  yield* mutex_lock(group.mutex);
  yield* __iommu_release_dma_ownership(group, group, yield* load(group.owner_cnt));
  yield* mutex_unlock(group.mutex);
}

/** By a device of it: the same owner may have come before. */
export function* iommu_device_claim_dma_owner(dev: Device, owner: IommuGroupOwner): Operation<number> {
  const group = yield* load(dev.iommu_group);
  if (isNull(group)) return -ENODEV;
  let ret = 0;
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (users === 0) ret = yield* __iommu_take_dma_ownership(group, dev, owner);
  else if ((yield* load(group.owner)) !== owner) ret = -EPERM;
  else yield* along(store(group.owner_cnt, users + 1), claimed(group, dev, owner));
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_device_release_dma_owner(dev: Device): Operation {
  const group = yield* follow(dev.iommu_group);
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  if (users > 1) yield* along(store(group.owner_cnt, users - 1), released(group, dev));
  else yield* __iommu_release_dma_ownership(group, dev, users);
  yield* mutex_unlock(group.mutex);
}

/** Not to be relied on: it may be different by the time that it is looked at. */
export function* iommu_group_dma_owner_claimed(group: IommuGroup): Operation<boolean> {
  yield* mutex_lock(group.mutex);
  const users = yield* load(group.owner_cnt);
  yield* mutex_unlock(group.mutex);
  return users !== 0;
}

/** By a domain in a word: NULL stands for the one to which the owner of the group goes back. */
function* __iommu_group_set_domain(group: IommuGroup, domain: IommufdHwPagetable | Null): Operation<number> {
  yield* store(group.domain, domain);
  return 0;
}

/** -EBUSY where somebody else has attached it to a domain of his own. */
export function* iommu_attach_group(domain: IommufdHwPagetable, group: IommuGroup): Operation<number> {
  let ret = -EBUSY;
  yield* mutex_lock(group.mutex);
  if (isNull(yield* load(group.domain))) ret = yield* __iommu_group_set_domain(group, domain);
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_group_replace_domain(group: IommuGroup, domain: IommufdHwPagetable): Operation<number> {
  yield* mutex_lock(group.mutex);
  const ret = yield* __iommu_group_set_domain(group, domain);
  yield* mutex_unlock(group.mutex);
  return ret;
}

export function* iommu_detach_group(group: IommuGroup): Operation {
  yield* mutex_lock(group.mutex);
  yield* __iommu_group_set_domain(group, NULL);
  yield* mutex_unlock(group.mutex);
}
