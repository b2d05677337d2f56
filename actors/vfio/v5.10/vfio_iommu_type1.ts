/**
 * drivers/vfio/vfio_iommu_type1.c, v5.10.198 ("vfio/type1: prevent underflow of locked_vm via exec()", v6.3), where it
 * differs from v4.19: a mapping remembers the address space that it was made from, and keeps its struct; and a replay that
 * fails takes back what it has done, and says of mappings that they are mapped only when all of them are (v4.19.191).
 */
import type { IommuDomain } from '../../../machines/driver-core/iommu-domain.ts';
import type { Page, UserTask } from '../../../machines/mm/mm.ts';
import { NULL } from '../../../machines/object.ts';
import type { VfioDma, VfioDomain, VfioIommu } from '../../../machines/vfio/v4.19/index.ts';
import { iommu_iova_to_phys, iommu_map, iommu_unmap } from '../../driver-core/iommu-domain.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { mmdrop, mmget_not_zero, mmgrab } from '../../mm/mm.ts';
import { along, moves, type Operation, WARN_ON } from '../../step.ts';
import { list_first_entry_or_null, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { EINVAL } from '../errno.ts';
import {
  type Accounting,
  byGroupLeader,
  vfio_pin_pages_remote,
  vfio_unpin_pages_remote,
} from '../v4.19/vfio_iommu_type1-pages.ts';

export const byMm: Accounting = {
  ...byGroupLeader,
  *hold(dma, current) {
    yield* byGroupLeader.hold(dma, current);
    const mm = yield* follow(current.mm);
    yield* store(dma.mm, mm);
    yield* mmgrab(mm);
  },
  *drop(dma) {
    yield* byGroupLeader.drop(dma);
    yield* mmdrop(yield* follow(dma.mm));
  },
  mmOf: (dma) => load(dma.mm),
  *getMm(dma) {
    const mm = yield* load(dma.mm);
    return !isNull(mm) && (yield* mmget_not_zero(mm)) ? mm : NULL;
  },
};

export function* vfio_iommu_replay(
  iommu: VfioIommu,
  domain: VfioDomain,
  current: UserTask,
  accounting: Accounting,
): Operation<number> {
  const limit = yield* load(current.rlim_memlock);
  const d = yield* list_first_entry_or_null<VfioDomain>(iommu.domain_list);
  const table = yield* follow(domain.domain);
  const walked: VfioDma[] = [];
  const failed = yield* list_for_each_entry<VfioDma, number | undefined>(iommu.dma_list, 'node', function* (dma) {
    walked.unshift(dma);
    const start = yield* load(dma.iova);
    const size = yield* load(dma.size);
    for (let iova = start; iova < start + size; iova++) {
      const isMapped = yield* load(dma.iommu_mapped);
      if (isMapped && (yield* WARN_ON(isNull(d), '!d'))) return -EINVAL;
      const phys = isMapped
        ? yield* iommu_iova_to_phys(yield* follow((d as VfioDomain).domain), iova)
        : yield* vfio_pin_pages_remote(dma, (yield* load(dma.vaddr)) + (iova - start), limit, current, accounting);
      if (typeof phys === 'number') return phys;
      if (yield* WARN_ON(isNull(phys), '!phys')) continue;
      yield* iommu_map(table, iova, phys as Page);
    }
    return undefined;
  });
  if (failed !== undefined) {
    for (const dma of walked) yield* takesBack(table, dma, accounting);
    return failed;
  }
  yield* list_for_each_entry<VfioDma, undefined>(iommu.dma_list, 'node', function* (dma) {
    yield* along(store(dma.iommu_mapped, true), moves(dma.chart, 'mapped'));
    return undefined;
  });
  return 0;
}

/** What another domain translates, too, stays pinned. */
function* takesBack(table: IommuDomain, dma: VfioDma, accounting: Accounting): Operation {
  const isMapped = yield* load(dma.iommu_mapped);
  const start = yield* load(dma.iova);
  const size = yield* load(dma.size);
  for (let iova = start; iova < start + size; iova++) {
    if (isMapped) {
      yield* iommu_unmap(table, iova);
      continue;
    }
    const phys = yield* iommu_iova_to_phys(table, iova);
    if (isNull(phys)) continue;
    yield* iommu_unmap(table, iova);
    yield* vfio_unpin_pages_remote(dma, iova, [phys], true, accounting);
  }
}
