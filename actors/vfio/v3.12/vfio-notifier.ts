/**
 * drivers/vfio/vfio.c at 6cdd97821322 (v3.12): whether a group is safe to give to user space, and what VFIO does when a
 * driver comes to a device of the group, or leaves it. The reference that a callback takes it drops itself.
 *
 * Left out: devices that join the group; the pr_debug() of each callback.
 */
import { handleAt } from '../../../machines/object.ts';
import type { Device, Vfio, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { BUG_ON, type Operation } from '../../step.ts';
import { atomic_read } from '../../sync/atomic.ts';
import { load, READ_ONCE } from '../../sync/memory.ts';
import { type Callbacks, NOTIFY_OK } from '../../sync/notifier.ts';
import { EINVAL } from '../errno.ts';
import { iommu_group_for_each_dev } from '../rfc-2021-09/iommu.ts';
import { IOMMU_GROUP_NOTIFY_BOUND_DRIVER } from './iommu.ts';
import { vfio_device_put, vfio_group_get_device, vfio_group_put, vfio_group_try_get } from './vfio-objects.ts';

/** They sit on a device, and let it do no DMA. */
const vfio_driver_whitelist: readonly string[] = ['pci-stub', 'pcieport'];

/** A device that has no driver, one that cannot harm, or a vfio driver, is 0. */
function* vfio_dev_viable(vfio: Vfio, dev: Device, group: VfioGroup): Operation<number> {
  const drv = yield* READ_ONCE(dev.driver);
  if (isNull(drv) || vfio_driver_whitelist.includes(yield* load(drv.name))) return 0;
  const device = yield* vfio_group_get_device(group, dev);
  if (isNull(device)) return -EINVAL;
  yield* vfio_device_put(vfio, device);
  return 0;
}

export function* vfio_group_viable(vfio: Vfio, group: VfioGroup): Operation<boolean> {
  const iommu_group = yield* follow(group.iommu_group);
  return (yield* iommu_group_for_each_dev<Device>(iommu_group, (dev) => vfio_dev_viable(vfio, dev, group))) === 0;
}

function* vfio_group_nb_verify(vfio: Vfio, group: VfioGroup, dev: Device): Operation<number> {
  if ((yield* atomic_read(group.container_users)) === 0) return 0;
  return yield* vfio_dev_viable(vfio, dev, group);
}

/** @param nb a block within a group: the group is known by its address alone until it is found on the list */
function* vfio_iommu_group_notifier(vfio: Vfio, nb: { readonly path: string }, action: number, dev: Device): Operation<number> {
  const group = yield* vfio_group_try_get(vfio, handleAt<VfioGroup>(nb.path.slice(0, -'.nb'.length)));
  if (isNull(group)) return NOTIFY_OK;
  if (action === IOMMU_GROUP_NOTIFY_BOUND_DRIVER)
    yield* BUG_ON((yield* vfio_group_nb_verify(vfio, group, dev)) !== 0, 'vfio_group_nb_verify(group, dev)');
  yield* vfio_group_put(vfio, group);
  return NOTIFY_OK;
}

/** What a driver core that binds and unbinds tells VFIO of it. */
export const iommu_group_notifiers = (vfio: Vfio): Callbacks => ({
  vfio_iommu_group_notifier: (nb, action, data) => vfio_iommu_group_notifier(vfio, nb, action, data as Device),
});
