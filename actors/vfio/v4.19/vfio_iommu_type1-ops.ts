/**
 * drivers/vfio/vfio_iommu_type1.c, v4.19.71: what it registers with VFIO.
 *
 * Left out: that an IOMMU may be coherent, which is what VFIO_DMA_CC_IOMMU asks: none is here.
 */
import type { UserTask } from '../../../machines/mm/mm.ts';
import type { Null } from '../../../machines/object.ts';
import type { VfioIommu } from '../../../machines/vfio/v4.19/type1.ts';
import { EINVAL } from '../errno.ts';
import { VFIO_IOMMU_NOTIFY_DMA_UNMAP, type VfioIommuDriverOps } from './ops.ts';
import {
  accountingOf,
  type Type1,
  vfio_dma_do_map,
  vfio_dma_do_unmap,
  vfio_iommu_type1_attach_group,
  vfio_iommu_type1_detach_group,
  vfio_iommu_type1_open,
  vfio_iommu_type1_pin_pages,
  vfio_iommu_type1_register_notifier,
  vfio_iommu_type1_release,
  vfio_iommu_type1_unpin_pages,
  vfio_iommu_type1_unregister_notifier,
} from './vfio_iommu_type1.ts';

/** @param current who calls: an ioctl of his, or a close */
export const vfio_iommu_driver_ops_type1 = (type1: Type1, current: UserTask): VfioIommuDriverOps => ({
  open: () => vfio_iommu_type1_open(type1),
  release: (data) => vfio_iommu_type1_release(data as VfioIommu, accountingOf(type1)),
  *check_extension(_data, arg) {
    return arg === 'VFIO_DMA_CC_IOMMU' ? 0 : 1;
  },
  ioctl: (data, ...[cmd, arg]) =>
    cmd === 'VFIO_IOMMU_MAP_DMA'
      ? vfio_dma_do_map(data as VfioIommu, arg, current, type1)
      : vfio_dma_do_unmap(data as VfioIommu, arg, current, type1),
  attach_group: (data, group) => vfio_iommu_type1_attach_group(data as VfioIommu, group, current, type1),
  detach_group: (data, group) => vfio_iommu_type1_detach_group(data as VfioIommu, group, accountingOf(type1)),
  pin_pages: (data, user_pfn) => vfio_iommu_type1_pin_pages(data as VfioIommu | Null, user_pfn, type1),
  unpin_pages: (data, user_pfn) => vfio_iommu_type1_unpin_pages(data as VfioIommu | Null, user_pfn, accountingOf(type1)),
  *register_notifier(data, events, nb) {
    if ((events & ~VFIO_IOMMU_NOTIFY_DMA_UNMAP) !== 0) return -EINVAL;
    return yield* vfio_iommu_type1_register_notifier(data as VfioIommu, nb);
  },
  unregister_notifier: (data, nb) => vfio_iommu_type1_unregister_notifier(data as VfioIommu, nb),
});
