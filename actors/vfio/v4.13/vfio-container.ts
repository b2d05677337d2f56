/**
 * drivers/vfio/vfio.c, v4.10 to v4.13 (read at v4.13), where it differs from v4.19: what is passed on to the back end is
 * passed on with the container's group_lock held for reading, be it for user space or for a driver.
 *
 * Left out: what is left out of v4.19.
 */
import type { VfioContainer, VfioGroup } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load } from '../../sync/memory.ts';
import { down_read, up_read } from '../../sync/rwsem.ts';
import { EINVAL, ENOTTY } from '../errno.ts';
import type { Core, DmaUnmap, VfioIommuDriverOps, VfioIommuIoctl } from '../v4.19/ops.ts';
import { vfio_group_add_container_user, vfio_group_try_dissolve_container } from '../v4.19/vfio-fops.ts';

function* vfio_fops_unl_ioctl({ backend }: Core, container: VfioContainer, ...request: VfioIommuIoctl): Operation<number> {
  yield* down_read(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  const data = yield* load(container.iommu_data);
  let ret = -EINVAL;
  if (!isNull(driver)) ret = backend.ioctl === undefined ? -ENOTTY : yield* backend.ioctl(data, ...request);
  yield* up_read(container.group_lock);
  return ret;
}

/** @returns how many pages were unmapped, or a negative errno */
export const vfio_iommu_unmap_dma = (core: Core, container: VfioContainer, unmap: DmaUnmap): Operation<number> =>
  vfio_fops_unl_ioctl(core, container, 'VFIO_IOMMU_UNMAP_DMA', unmap);

type OfPages = VfioIommuDriverOps['pin_pages'];

function* passOn(core: Core, group: VfioGroup, user_pfn: readonly number[], op: OfPages): Operation<number> {
  let ret = yield* vfio_group_add_container_user(core, group);
  if (ret !== 0) return ret;
  const container = yield* follow(group.container);
  yield* down_read(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  if (isNull(driver) || op === undefined) ret = -ENOTTY;
  else ret = yield* op(yield* load(container.iommu_data), user_pfn);
  yield* up_read(container.group_lock);
  yield* vfio_group_try_dissolve_container(core, group);
  return ret;
}

/** What vfio_pin_pages() does with the group that it has found. @returns how many pages were pinned, or a negative errno */
export const pinOfGroup = (core: Core, group: VfioGroup, user_pfn: readonly number[]): Operation<number> =>
  passOn(core, group, user_pfn, core.backend.pin_pages);

/** What vfio_unpin_pages() does with the group that it has found. */
export const unpinOfGroup = (core: Core, group: VfioGroup, user_pfn: readonly number[]): Operation<number> =>
  passOn(core, group, user_pfn, core.backend.unpin_pages);
