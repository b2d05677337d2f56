/**
 * drivers/vfio/vfio.c, v4.10 to v4.13 (read at v4.13), where it differs from v4.19: what is passed on to the back end is
 * passed on with the container's group_lock held for reading, be it for user space or for a driver.
 *
 * Left out: what is left out of v4.19.
 */
import type { UserTask } from '../../../machines/mm/mm.ts';
import type { VfioContainer, VfioGroup, VfioIommu } from '../../../machines/vfio/v4.19/index.ts';
import type { Null } from '../../../machines/object.ts';
import { follow } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load } from '../../sync/memory.ts';
import { down_read, up_read } from '../../sync/rwsem.ts';
import { EINVAL, ENOTTY } from '../errno.ts';
import { vfio_group_add_container_user, vfio_group_try_dissolve_container } from '../v4.19/vfio-container.ts';
import {
  type DmaUnmap,
  type Type1,
  vfio_dma_do_unmap,
  vfio_iommu_type1_pin_pages,
  vfio_iommu_type1_unpin_pages,
} from '../v4.19/vfio_iommu_type1.ts';

/** VFIO_IOMMU_UNMAP_DMA. @returns how many pages were unmapped, or a negative errno */
export function* vfio_iommu_unmap_dma(
  container: VfioContainer,
  unmap: DmaUnmap,
  current: UserTask,
  type1: Type1,
): Operation<number> {
  yield* down_read(container.group_lock);
  const driver = yield* load(container.iommu_driver);
  const data = yield* load(container.iommu_data);
  const ret = driver ? yield* vfio_dma_do_unmap(data as VfioIommu, unmap, current, type1) : -EINVAL;
  yield* up_read(container.group_lock);
  return ret;
}

function* withContainer(group: VfioGroup, does: (data: VfioIommu | Null) => Operation<number>): Operation<number> {
  const ret = yield* vfio_group_add_container_user(group);
  if (ret !== 0) return ret;
  const container = yield* follow(group.container);
  yield* down_read(container.group_lock);
  const result = (yield* load(container.iommu_driver)) ? yield* does(yield* load(container.iommu_data)) : -ENOTTY;
  yield* up_read(container.group_lock);
  yield* vfio_group_try_dissolve_container(group);
  return result;
}

/** @returns how many pages were pinned, or a negative errno */
export const vfio_pin_pages = (group: VfioGroup, user_pfn: readonly number[], type1: Type1): Operation<number> =>
  withContainer(group, (data) => vfio_iommu_type1_pin_pages(data, user_pfn, type1));

export const vfio_unpin_pages = (group: VfioGroup, user_pfn: readonly number[]): Operation<number> =>
  withContainer(group, (data) => vfio_iommu_type1_unpin_pages(data, user_pfn));
