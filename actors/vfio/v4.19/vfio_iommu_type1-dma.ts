/**
 * drivers/vfio/vfio_iommu_type1.c, v4.19.71: the mappings of a container, and their translation. All of it is called with
 * iommu->lock held, but for the release of the whole, which is alone.
 *
 * A domain does not look ahead for contiguous pages, as one with fine-grained super pages does not.
 *
 * Left out: calls of the IOMMU that fail, and map_try_harder(); more than 512 regions for one flush; cond_resched().
 */
import type { Page, UserTask } from '../../../machines/mm/mm.ts';
import type { VfioDma, VfioDomain, VfioIommu } from '../../../machines/vfio/v4.19/index.ts';
import { iommu_iova_to_phys, iommu_map, iommu_tlb_sync, iommu_unmap, iommu_unmap_fast } from '../../driver-core/iommu-domain.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { put_task_struct } from '../../mm/mm.ts';
import { along, kfree, moves, type Operation, WARN_ON } from '../../step.ts';
import { list_del, list_first_entry_or_null, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import {
  IS_IOMMU_CAP_DOMAIN_IN_CONTAINER,
  vfio_lock_acct,
  vfio_pin_pages_remote,
  vfio_unpin_pages_remote,
} from './vfio_iommu_type1-pages.ts';

export function* vfio_find_dma(iommu: VfioIommu, start: number, size: number): Operation<VfioDma | undefined> {
  return yield* list_for_each_entry<VfioDma, VfioDma | undefined>(iommu.dma_list, 'node', function* (dma) {
    const iova = yield* load(dma.iova);
    if (start + size <= iova) return undefined;
    return start >= iova + (yield* load(dma.size)) ? undefined : dma;
  });
}

/** Taken out of the table of a domain, and not yet flushed. */
interface Region {
  readonly iova: number;
  readonly phys: Page;
}

function* vfio_sync_unpin(dma: VfioDma, domain: VfioDomain, regions: readonly Region[]): Operation<number> {
  let unlocked = 0;
  yield* iommu_tlb_sync(yield* follow(domain.domain));
  for (const { iova, phys } of regions) unlocked += yield* vfio_unpin_pages_remote(dma, iova, [phys], false);
  return unlocked;
}

/** @returns how many pages the translation had, unless they were taken off the account here */
export function* vfio_unmap_unpin(iommu: VfioIommu, dma: VfioDma, do_accounting: boolean): Operation<number> {
  const start = yield* load(dma.iova);
  const size = yield* load(dma.size);
  if (size === 0 || !(yield* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu))) return 0;

  const domain = (yield* list_first_entry_or_null<VfioDomain>(iommu.domain_list)) as VfioDomain;
  yield* list_for_each_entry<VfioDomain, undefined>(iommu.domain_list, 'next', function* (d) {
    if (d === domain) return undefined;
    const other = yield* follow(d.domain);
    for (let iova = start; iova < start + size; iova++) yield* iommu_unmap(other, iova);
    return undefined;
  });

  const regions: Region[] = [];
  for (let iova = start; iova < start + size; iova++) {
    const table = yield* follow(domain.domain);
    const phys = yield* iommu_iova_to_phys(table, iova);
    if (yield* WARN_ON(isNull(phys), '!phys')) continue;
    yield* iommu_unmap_fast(table, iova);
    regions.push({ iova, phys: phys as Page });
  }
  yield* along(store(dma.iommu_mapped, false), moves(dma.chart, 'unmapped'));
  const unlocked = regions.length > 0 ? yield* vfio_sync_unpin(dma, domain, regions) : 0;

  if (!do_accounting) return unlocked;
  yield* vfio_lock_acct(dma, -unlocked, true);
  return 0;
}

/** Whoever mapped it. What drivers have pinned of it is left without an owner. */
export function* vfio_remove_dma(iommu: VfioIommu, dma: VfioDma): Operation {
  yield* vfio_unmap_unpin(iommu, dma, true);
  yield* along(list_del(dma.node, iommu.dma_list), moves(dma.chart, 'unlinked'));
  yield* put_task_struct(yield* follow(dma.task));
  yield* kfree(dma);
  yield* store(iommu.dma_avail, (yield* load(iommu.dma_avail)) + 1);
}

/** It takes the lock itself, and for this alone: what it finds may have changed by the time that it is used. */
export function* vfio_pgsize_bitmap(iommu: VfioIommu): Operation {
  yield* mutex_lock(iommu.lock);
  yield* list_for_each_entry<VfioDomain, undefined>(iommu.domain_list, 'next', function* (domain) {
    yield* load(domain.domain);
    return undefined;
  });
  yield* mutex_unlock(iommu.lock);
}

function* vfio_iommu_map(iommu: VfioIommu, iova: number, pfn: Page): Operation<number> {
  yield* list_for_each_entry<VfioDomain, undefined>(iommu.domain_list, 'next', function* (d) {
    yield* iommu_map(yield* follow(d.domain), iova, pfn);
    return undefined;
  });
  return 0;
}

/** It grows by what is pinned and mapped, and goes again where it cannot grow to its size. */
export function* vfio_pin_map_dma(iommu: VfioIommu, dma: VfioDma, map_size: number, current: UserTask): Operation<number> {
  const iova = yield* load(dma.iova);
  const vaddr = yield* load(dma.vaddr);
  const limit = yield* load(current.rlim_memlock);
  let ret = 0;
  for (let size = map_size; size > 0; size--) {
    const pfn = yield* vfio_pin_pages_remote(dma, vaddr + (yield* load(dma.size)), limit, current);
    if (typeof pfn === 'number') {
      ret = pfn;
      break;
    }
    ret = yield* vfio_iommu_map(iommu, iova + (yield* load(dma.size)), pfn);
    yield* store(dma.size, (yield* load(dma.size)) + 1);
  }
  yield* along(store(dma.iommu_mapped, true), moves(dma.chart, 'mapped'));
  if (ret !== 0) yield* vfio_remove_dma(iommu, dma);
  return ret;
}
