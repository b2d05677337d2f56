/**
 * The structs of drivers/vfio/vfio_iommu_type1.c, v4.19.71.
 *
 * The unit of addresses and sizes is the page. The red-black trees are lists: who is found first where several would do is
 * who was linked first. A part starts as its allocation leaves it.
 *
 * Left out: prot, which all mappings have alike; lock_cap, as nobody has CAP_IPC_LOCK; nesting; fgsp and the page sizes of
 * domains.
 */
import type { IommuDomain } from '../../driver-core/iommu-domain.ts';
import type { Mm, Page, UserTask } from '../../mm/mm.ts';
import { type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { notifier_chain } from '../../sync/notifier.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { chart } from '../charts.ts';
import type { IommuGroup } from './vfio.ts';

/** struct vfio_group of this file: the place of an IOMMU group in a domain. */
export const type1_group = struct('vfio_group', { iommu_group: pointer<IommuGroup>(), next: list_node() });
export interface Type1Group extends HandleTo<typeof type1_group> {}

export const vfio_domain = struct('vfio_domain', {
  domain: pointer<IommuDomain>(),
  next: list_node(),
  group_list: list_head(),
});
export interface VfioDomain extends HandleTo<typeof vfio_domain> {}

/** A page that a driver of a mediated device has pinned, as often as `ref_count` says. */
export const vfio_pfn = struct('vfio_pfn', {
  node: list_node(),
  iova: field<number>(0),
  pfn: pointer<Page>(),
  ref_count: atomic(0),
});
export interface VfioPfn extends HandleTo<typeof vfio_pfn> {}

type DmaState = 'allocated' | 'linked' | 'recorded' | 'mapped' | 'unlinked';
export type DmaEvent = 'linked' | 'recorded' | 'mapped' | 'unmapped' | 'unlinked';
/** `recorded`: no IOMMU translates it, and pinned is only what drivers ask for. `mapped`: each page is, in every domain. */
const dmaChart = chart<DmaState, DmaEvent>('vfio_dma', 'allocated', {
  allocated: { linked: 'linked' },
  linked: { recorded: 'recorded', mapped: 'mapped', unlinked: 'unlinked' },
  recorded: { mapped: 'mapped', unlinked: 'unlinked' },
  mapped: { unmapped: 'recorded', unlinked: 'unlinked' },
  unlinked: {},
});

export const vfio_dma = struct('vfio_dma', {
  node: list_node(),
  iova: field<number>(0),
  vaddr: field<number>(0),
  size: field<number>(0),
  iommu_mapped: field<boolean>(false),
  task: pointer<UserTask>(),
  /** Since v5.10.198; NULL before. */
  mm: pointer<Mm>(),
  pfn_list: list_head(),
  chart: dmaChart(),
});
export interface VfioDma extends HandleTo<typeof vfio_dma> {}

export const vfio_iommu = struct('vfio_iommu', {
  domain_list: list_head(),
  external_domain: pointer<VfioDomain>(),
  lock: mutex(),
  dma_list: list_head(),
  /** dma_entry_limit */
  dma_avail: field<number>(65535),
  /** The two parts of a struct blocking_notifier_head. */
  notifier_rwsem: rwsem(),
  notifier_head: notifier_chain(),
  v2: field<boolean>(true),
});
export interface VfioIommu extends HandleTo<typeof vfio_iommu> {}
