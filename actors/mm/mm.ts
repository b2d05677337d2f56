/**
 * kernel/fork.c, kernel/exit.c, fs/exec.c and mm/gup.c, v4.19, as far as drivers meet them: who holds an address space, and
 * who a page.
 *
 * Left out: mm_count, as the memory of an mm_struct goes with its last user here; faults, so that a page that is mapped is
 * there; the release of a task's memory after the last reference by RCU.
 */
import { NULL, type Null } from '../../machines/object.ts';
import type { Mm, Page, PageTable, UserTask } from '../../machines/mm/mm.ts';
import type { Handle } from '../../machines/object.ts';
import { kfree, message, type Operation, send } from '../step.ts';
import { atomic_dec_and_test, atomic_inc } from '../sync/atomic.ts';
import { load } from '../sync/memory.ts';
import { spin_lock, spin_unlock } from '../sync/spinlock.ts';
import { EFAULT } from '../vfio/errno.ts';

/* ---- pages ---- */

export const get_page = (page: Page): Operation => atomic_inc(page._refcount);

/** The last reference gives the page back. */
export function* put_page(page: Page): Operation {
  if (yield* atomic_dec_and_test(page._refcount)) yield* kfree(page);
}

const follow_page = (pgd: Handle<PageTable>, vaddr: number): Operation<Page | Null> =>
  send<Page | Null>(
    message<PageTable, 'follow_page'>('read', pgd, 'follow_page', { vaddr }, { c: `follow_page(vma, ${vaddr})` }),
  );

/** One page, under mmap_sem. @returns it, with a reference, or -EFAULT */
export function* get_user_pages(mm: Mm, vaddr: number): Operation<Page | number> {
  const page = yield* follow_page(mm.pgd, vaddr);
  if (page === NULL) return -EFAULT;
  yield* get_page(page as Page);
  return page as Page;
}

/* ---- tasks ---- */

export const get_task_struct = (task: UserTask): Operation => atomic_inc(task.usage);

export function* put_task_struct(task: UserTask): Operation {
  if (yield* atomic_dec_and_test(task.usage)) yield* kfree(task);
}

/* ---- address spaces ---- */

/** @returns NULL where the task has left its address space; else it is held until mmput() */
export function* get_task_mm(task: UserTask): Operation<Mm | Null> {
  yield* spin_lock(task.alloc_lock);
  const mm = yield* load(task.mm);
  if (mm !== NULL) yield* atomic_inc((mm as Mm).mm_users);
  yield* spin_unlock(task.alloc_lock);
  return mm;
}

/** The last user takes the pages off, and the address space with them. @param pages how many are mapped from address 0 */
export function* mmput(mm: Mm): Operation {
  if (!(yield* atomic_dec_and_test(mm.mm_users))) return;
  for (let vaddr = 0; ; vaddr++) {
    const page = yield* follow_page(mm.pgd, vaddr);
    if (page === NULL) break;
    yield* put_page(page as Page);
  }
  yield* kfree(mm);
}
