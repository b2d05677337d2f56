/**
 * drivers/vfio/vfio.c, v4.19: whether a group is safe to give to user space, and what VFIO does when a driver comes to a
 * device of the group, or leaves it.
 *
 * Left out: PCI bridges, which may have any driver; devices that join or leave the group; BIND and UNBIND, at which a
 * reference on the group comes and goes and nothing else; the allocation of the work item that fails, and leaks it.
 */
import { handleAt } from '../../../machines/object.ts';
import type { Device, VfioGroup, VfioGroupPutWork, VfioUnboundDev } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { BUG_ON, kfree, type Operation } from '../../step.ts';
import { atomic_read } from '../../sync/atomic.ts';
import { list_del, list_for_each_entry } from '../../sync/list.ts';
import { load, READ_ONCE, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { type Callbacks, NOTIFY_OK } from '../../sync/notifier.ts';
import { queue_work, type WorkFunctions } from '../../sync/work.ts';
import { EINVAL } from '../errno.ts';
import {
  IOMMU_GROUP_NOTIFY_BOUND_DRIVER,
  IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER,
  iommu_group_for_each_dev,
} from '../rfc-2021-09/iommu.ts';
import { type Core, kzallocFrom, poolOf, type Pools } from './ops.ts';
import { vfio_device_put, vfio_group_get_device, vfio_group_put, vfio_group_try_get } from './vfio-objects.ts';

/** It claims a device, so that no other driver does, and never touches it. */
const vfio_driver_whitelist: readonly string[] = ['pci-stub'];

/** A device that has no driver, one that cannot harm, or a vfio driver, is 0; so is one on its way from the last. */
function* vfio_dev_viable(core: Core, dev: Device, group: VfioGroup): Operation<number> {
  const drv = yield* READ_ONCE(dev.driver);
  yield* mutex_lock(group.unbound_lock);
  const unbound = yield* list_for_each_entry(group.unbound_list, 'unbound_next', function* (entry: VfioUnboundDev) {
    return (yield* load(entry.dev)) === dev ? entry : undefined;
  });
  yield* mutex_unlock(group.unbound_lock);
  if (unbound !== undefined || isNull(drv) || vfio_driver_whitelist.includes(yield* load(drv.name))) return 0;
  return yield* isOfGroup(core, dev, group);
}

/** The one who knows whether a driver is one of VFIO: the list of the group. */
export function* isOfGroup({ vfio }: Core, dev: Device, group: VfioGroup): Operation<number> {
  const device = yield* vfio_group_get_device(group, dev);
  if (isNull(device)) return -EINVAL;
  yield* vfio_device_put(vfio, device);
  return 0;
}

export type DevViable = typeof vfio_dev_viable;

export function* vfio_group_viable(core: Core, group: VfioGroup, viable: DevViable = vfio_dev_viable): Operation<boolean> {
  if (core.areAllViable) return true;
  const iommu_group = yield* follow(group.iommu_group);
  return (yield* iommu_group_for_each_dev(iommu_group, (dev) => viable(core, dev as Device, group))) === 0;
}

function* vfio_group_nb_verify(core: Core, group: VfioGroup, dev: Device): Operation<number> {
  if ((yield* atomic_read(group.container_users)) === 0) return 0;
  return yield* vfio_dev_viable(core, dev, group);
}

/** The last put unregisters the notifier, under the lock of the chain that the caller is called under: a worker does it. */
function* vfio_group_schedule_put(group: VfioGroup, pools: Pools): Operation {
  const do_work = yield* kzallocFrom(pools, 'vfio_group_put_work');
  yield* store(do_work.group, group);
  yield* queue_work(poolOf(pools, 'system_wq'), do_work.work);
}

/** To be run by a `worker_thread` on the queue. */
export const workFunctions = ({ vfio }: Core): WorkFunctions => ({
  *vfio_group_put_bg(object) {
    const do_work = handleAt<VfioGroupPutWork>(object.path);
    yield* vfio_group_put(vfio, yield* follow(do_work.group));
    yield* kfree(do_work);
  },
});

/** @param nb a block within a group: the group is known by its address alone until it is found on the list */
function* vfio_iommu_group_notifier(
  core: Core,
  nb: { readonly path: string },
  action: number,
  dev: Device,
  pools: Pools,
): Operation<number> {
  const group = yield* vfio_group_try_get(core.vfio, handleAt<VfioGroup>(nb.path.slice(0, -'.nb'.length)));
  if (isNull(group)) return NOTIFY_OK;
  if (action === IOMMU_GROUP_NOTIFY_BOUND_DRIVER)
    yield* BUG_ON((yield* vfio_group_nb_verify(core, group, dev)) !== 0, 'vfio_group_nb_verify(group, dev)');
  if (action === IOMMU_GROUP_NOTIFY_UNBOUND_DRIVER) {
    yield* mutex_lock(group.unbound_lock);
    yield* list_for_each_entry(group.unbound_list, 'unbound_next', function* (unbound: VfioUnboundDev) {
      if ((yield* load(unbound.dev)) !== dev) return undefined;
      yield* list_del(unbound.unbound_next, group.unbound_list);
      yield* kfree(unbound);
      return unbound;
    });
    yield* mutex_unlock(group.unbound_lock);
  }
  yield* vfio_group_schedule_put(group, pools);
  return NOTIFY_OK;
}

/** What a driver core that binds and unbinds tells VFIO of it. */
export const iommuGroupNotifiers = (core: Core, pools: Pools): Callbacks => ({
  vfio_iommu_group_notifier: (nb, action, data) => vfio_iommu_group_notifier(core, nb, action, data as Device, pools),
});
