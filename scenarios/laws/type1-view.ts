/** What the laws of type1 look at, under whatever names a scenario has it. */
import type { mm_struct, page, user_task } from '../../machines/mm/mm.ts';
import type { ViewOf } from '../../machines/object.ts';
import type { vfio_container, vfio_dma, vfio_iommu, vfio_pfn } from '../../machines/vfio/v4.19/index.ts';

export interface Type1View {
  readonly containers: readonly Pick<ViewOf<typeof vfio_container>, 'group_lock'>[];
  readonly iommus: readonly ViewOf<typeof vfio_iommu>[];
  readonly dmas: readonly ViewOf<typeof vfio_dma>[];
  readonly vpfns: readonly ViewOf<typeof vfio_pfn>[];
  readonly pages: readonly ViewOf<typeof page>[];
  /** By the names of the objects. */
  readonly tasks: { readonly [name: string]: ViewOf<typeof user_task> };
  readonly mms: { readonly [name: string]: ViewOf<typeof mm_struct> };
  readonly vendors: readonly Book[];
}

/** What a driver of a mediated device knows of its pins. */
export interface Book {
  readonly freed: boolean;
  readonly cache_lock: { readonly state: string };
  /** The numbers of the pages. */
  readonly cache: { readonly value: readonly number[] };
}

export const live = <T extends { readonly freed: boolean }>(all: readonly T[]): readonly T[] => all.filter(({ freed }) => !freed);

/**
 * Nobody stands in a critical section in which one book is ahead of another: that of a back end, that of a driver, or that
 * of the container, under whose lock a back end goes without taking its own.
 */
export const isAtRest = ({ containers, iommus, vendors }: Type1View): boolean =>
  containers.every(({ group_lock }) => group_lock.state !== 'written') &&
  live(iommus).every(({ lock }) => lock.state === 'unlocked') &&
  live(vendors).every(({ cache_lock }) => cache_lock.state === 'unlocked');

/** Pages that are pinned of a mapping: all of it for an IOMMU, else those that drivers have asked for. */
export const pinnedOf = ({ iommu_mapped, size, pfn_list }: ViewOf<typeof vfio_dma>): number =>
  iommu_mapped.value ? size.value : pfn_list.entries.length;
