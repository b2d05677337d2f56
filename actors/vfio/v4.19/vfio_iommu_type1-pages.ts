/**
 * drivers/vfio/vfio_iommu_type1.c, v4.19.71: who is charged for pages, and how they are pinned and unpinned. One
 * reference of a page is for all domains that translate to it, and one for the drivers that have pinned it.
 *
 * `async` and `do_accounting` are named as in C. The pages of the model are not contiguous, as where disable_hugepages is
 * set: a chunk is one page.
 *
 * Left out: reserved pages, which nobody is charged for; prot and dirty pages; CAP_IPC_LOCK; that an allocation of the
 * kernel fails, but for that of a vfio_pfn.
 */
import type { Mm, Page, UserTask } from '../../../machines/mm/mm.ts';
import type { VfioDma, VfioIommu, VfioPfn } from '../../../machines/vfio/v4.19/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { get_task_mm, get_user_pages, mmput, put_page } from '../../mm/mm.ts';
import { kfree, type Operation } from '../../step.ts';
import { atomic_dec_and_test, atomic_inc, atomic_set } from '../../sync/atomic.ts';
import { list_add_tail, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { down_read, down_write_killable, up_read, up_write } from '../../sync/rwsem.ts';
import { ENODEV, ENOMEM, ESRCH } from '../errno.ts';

/** "has an IOMMU domain" */
export function* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu: VfioIommu): Operation<boolean> {
  return !(yield* list_empty(iommu.domain_list));
}

/* ---- the pages that drivers have pinned of a mapping ---- */

export function* vfio_find_vpfn(dma: VfioDma, iova: number): Operation<VfioPfn | undefined> {
  return yield* list_for_each_entry<VfioPfn, VfioPfn | undefined>(dma.pfn_list, 'node', function* (vpfn) {
    return (yield* load(vpfn.iova)) === iova ? vpfn : undefined;
  });
}

/** @param alloc gives memory for it, or none */
export function* vfio_add_to_pfn_list(
  dma: VfioDma,
  iova: number,
  pfn: Page,
  alloc: () => Operation<VfioPfn | undefined>,
): Operation<number> {
  const vpfn = yield* alloc();
  if (vpfn === undefined) return -ENOMEM;
  yield* store(vpfn.iova, iova);
  yield* store(vpfn.pfn, pfn);
  yield* atomic_set(vpfn.ref_count, 1);
  yield* list_add_tail(vpfn.node, dma.pfn_list);
  return 0;
}

export function* vfio_iova_get_vfio_pfn(dma: VfioDma, iova: number): Operation<VfioPfn | undefined> {
  const vpfn = yield* vfio_find_vpfn(dma, iova);
  if (vpfn !== undefined) yield* atomic_inc(vpfn.ref_count);
  return vpfn;
}

/** @returns how many pages were let go of */
function* vfio_iova_put_vfio_pfn(dma: VfioDma, vpfn: VfioPfn): Operation<number> {
  if (!(yield* atomic_dec_and_test(vpfn.ref_count))) return 0;
  yield* put_page(yield* follow(vpfn.pfn));
  yield* list_del(vpfn.node, dma.pfn_list);
  yield* kfree(vpfn);
  return 1;
}

/* ---- who pays ---- */

/** @returns 0, -ESRCH, -EINTR or -ENOMEM, and nothing is charged */
export function* vfio_lock_acct(dma: VfioDma, npage: number, async: boolean): Operation<number> {
  if (npage === 0) return 0;
  const task = yield* follow(dma.task);
  const mm = async ? yield* get_task_mm(task) : yield* load(task.mm);
  if (isNull(mm)) return -ESRCH;
  let ret = yield* down_write_killable(mm.mmap_sem);
  if (ret === 0) {
    ret = yield* chargeTo(mm, task, npage);
    yield* up_write(mm.mmap_sem);
  }
  if (async) yield* mmput(mm);
  return ret;
}

/** Under mmap_sem. */
function* chargeTo(mm: Mm, task: UserTask, npage: number): Operation<number> {
  if (npage > 0) {
    const limit = yield* load(task.rlim_memlock);
    if ((yield* load(mm.locked_vm)) + npage > limit) return -ENOMEM;
  }
  yield* store(mm.locked_vm, (yield* load(mm.locked_vm)) + npage);
  return 0;
}

/* ---- pin and unpin ---- */

function* vaddr_get_pfn(mm: Mm, vaddr: number): Operation<Page | number> {
  yield* down_read(mm.mmap_sem);
  const page = yield* get_user_pages(mm, vaddr);
  yield* up_read(mm.mmap_sem);
  return page;
}

/** For an IOMMU. @returns the page, or a negative errno */
export function* vfio_pin_pages_remote(dma: VfioDma, vaddr: number, limit: number, current: UserTask): Operation<Page | number> {
  const iova = vaddr - (yield* load(dma.vaddr)) + (yield* load(dma.iova));
  const mm = yield* load(current.mm);
  if (isNull(mm)) return -ENODEV;
  const pfn = yield* vaddr_get_pfn(mm, vaddr);
  if (typeof pfn === 'number') return pfn;
  let lock_acct = 0;
  if ((yield* vfio_find_vpfn(dma, iova)) === undefined) {
    if ((yield* load(mm.locked_vm)) + 1 > limit) {
      yield* put_page(pfn);
      return -ENOMEM;
    }
    lock_acct++;
  }
  const ret = yield* vfio_lock_acct(dma, lock_acct, false);
  if (ret === 0) return pfn;
  yield* put_page(pfn);
  return ret;
}

/** @returns how many pages were let go of */
export function* vfio_unpin_pages_remote(
  dma: VfioDma,
  iova: number,
  pfns: readonly Page[],
  do_accounting: boolean,
): Operation<number> {
  let unlocked = 0;
  let locked = 0;
  for (const [i, pfn] of pfns.entries()) {
    yield* put_page(pfn);
    unlocked++;
    if ((yield* vfio_find_vpfn(dma, iova + i)) !== undefined) locked++;
  }
  if (do_accounting) yield* vfio_lock_acct(dma, locked - unlocked, true);
  return unlocked;
}

/** For a driver: from the address space of whoever mapped it. @returns the page, or a negative errno */
export function* vfio_pin_page_external(dma: VfioDma, vaddr: number, do_accounting: boolean): Operation<Page | number> {
  const mm = yield* get_task_mm(yield* follow(dma.task));
  if (isNull(mm)) return -ENODEV;
  let pfn = yield* vaddr_get_pfn(mm, vaddr);
  if (typeof pfn !== 'number' && do_accounting) {
    const ret = yield* vfio_lock_acct(dma, 1, true);
    if (ret !== 0) {
      yield* put_page(pfn);
      pfn = ret;
    }
  }
  yield* mmput(mm);
  return pfn;
}

export function* vfio_unpin_page_external(dma: VfioDma, iova: number, do_accounting: boolean): Operation<number> {
  const vpfn = yield* vfio_find_vpfn(dma, iova);
  if (vpfn === undefined) return 0;
  const unlocked = yield* vfio_iova_put_vfio_pfn(dma, vpfn);
  if (do_accounting) yield* vfio_lock_acct(dma, -unlocked, true);
  return unlocked;
}
