/** Not of the kernel: who charges waits for mmap_sem whatever signal comes, as one does to whom none comes. */
import { down_write } from '../../../actors/sync/rwsem.ts';
import type { Accounting } from '../../../actors/vfio/v4.19/vfio_iommu_type1-pages.ts';

export const unkillable = (accounting: Accounting): Accounting => ({
  ...accounting,
  *lock(mmap_sem) {
    yield* down_write(mmap_sem);
    return 0;
  },
});
