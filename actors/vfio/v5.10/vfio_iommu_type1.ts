/**
 * drivers/vfio/vfio_iommu_type1.c, v5.10.198 ("vfio/type1: prevent underflow of locked_vm via exec()", v6.3), where it
 * differs from v4.19: a mapping remembers the address space that it was made from, and keeps its struct.
 */
import { NULL } from '../../../machines/object.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { mmdrop, mmget_not_zero, mmgrab } from '../../mm/mm.ts';
import { load, store } from '../../sync/memory.ts';
import { type Accounting, byGroupLeader } from '../v4.19/vfio_iommu_type1-pages.ts';

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
