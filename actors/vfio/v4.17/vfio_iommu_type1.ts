/**
 * drivers/vfio/vfio_iommu_type1.c before v4.18 ("vfio/type1: Fix task tracking for QEMU vCPU hotplug"), where it differs
 * from v4.19: a mapping belongs to the very thread that has made it.
 *
 * Left out: up to v4.11 a charge that found mmap_sem taken was left to a worker.
 */
import { get_task_struct } from '../../mm/mm.ts';
import { store } from '../../sync/memory.ts';
import { type Accounting, byGroupLeader } from '../v4.19/vfio_iommu_type1-pages.ts';

export const byThread: Accounting = {
  ...byGroupLeader,
  *hold(dma, current) {
    yield* get_task_struct(current);
    yield* store(dma.task, current);
  },
};
