/**
 * The structs of drivers/vfio/vfio_iommu_type1.c at v6.1, of a container whose groups are all emulated: mediated devices,
 * which pin pages as they need them.
 *
 * The two red-black trees are lists in the order of their addresses. Everything here happens under iommu->lock, but for
 * what a scenario is about, so that it does not matter by how many steps something is found.
 *
 * Left out: IOMMU domains and groups, the ranges of valid addresses, the limit on mappings, dirty tracking and the hand-over
 * of address spaces (VFIO_UPDATE_VADDR), which an emulated group forbids.
 */
import { type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { rwsem } from '../../sync/rwsem.ts';

/** Left out: that it goes away with the last of its users. The process that has mapped something lives here. */
export const mm_struct = struct('mm_struct', {
  mmap_lock: rwsem(),
  /** How many pages are charged to it. */
  locked_vm: field<number>(0),
  /** How many pins its pages have, all together. */
  pinned: atomic(),
});
export interface MmStruct extends HandleTo<typeof mm_struct> {}

export const vfio_iommu = struct('vfio_iommu', {
  lock: mutex(),
  dma_list: list_head(),
  /** It changes under both locks, is asked whether it is empty under `lock`, and walked under its own. */
  device_list: list_head(),
  device_list_lock: mutex(),
});
export interface VfioIommu extends HandleTo<typeof vfio_iommu> {}

/** A range of addresses that user space has mapped, in pages. */
export const vfio_dma = struct('vfio_dma', {
  node: list_node(),
  iova: field<number>(0),
  size: field<number>(0),
  mm: pointer<MmStruct>(),
  locked_vm: field<number>(0),
  pfn_list: list_head(),
});
export interface VfioDma extends HandleTo<typeof vfio_dma> {}

/** A page that drivers have pinned, and how often. */
export const vfio_pfn = struct('vfio_pfn', { node: list_node(), iova: field<number>(0), ref_count: field<number>(0) });
export interface VfioPfn extends HandleTo<typeof vfio_pfn> {}
