/**
 * kernel/fork.c, kernel/exit.c, fs/exec.c and mm/gup.c, v4.19, as far as drivers meet them: who holds an address space, and
 * who a page.
 *
 * Left out: faults, so that a page that is mapped is there; that the memory of a task is given back by RCU, and not at the
 * last reference.
 */
import { NULL, type Null } from '../../machines/object.ts';
import type { Mm, Page, PageTable, UserTask } from '../../machines/mm/mm.ts';
import type { Handle } from '../../machines/object.ts';
import { access, kfree, message, type Operation, send } from '../step.ts';
import { atomic_dec_and_test, atomic_inc, atomic_inc_not_zero } from '../sync/atomic.ts';
import { load, store } from '../sync/memory.ts';
import { down_read, up_read } from '../sync/rwsem.ts';
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

const unmap_vmas = access<PageTable, 'unmap_vmas'>('update', 'unmap_vmas');

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

export const mmgrab = (mm: Mm): Operation => atomic_inc(mm.mm_count);

export function* mmdrop(mm: Mm): Operation {
  if (yield* atomic_dec_and_test(mm.mm_count)) yield* kfree(mm);
}

export const mmget_not_zero = (mm: Mm): Operation<boolean> => atomic_inc_not_zero(mm.mm_users);

/** The last user takes the pages off. */
export function* mmput(mm: Mm): Operation {
  if (!(yield* atomic_dec_and_test(mm.mm_users))) return;
  for (let vaddr = 0; ; vaddr++) {
    const page = yield* follow_page(mm.pgd, vaddr);
    if (page === NULL) break;
    yield* put_page(page as Page);
  }
  yield* unmap_vmas(mm.pgd);
  yield* mmdrop(mm);
}
/** In do_exit(), before the files of the task are closed. */
export function* exit_mm(current: UserTask): Operation {
  const mm = yield* load(current.mm);
  if (mm === NULL) return;
  yield* down_read((mm as Mm).mmap_sem);
  yield* spin_lock(current.alloc_lock);
  yield* store(current.mm, NULL);
  yield* up_read((mm as Mm).mmap_sem);
  yield* spin_unlock(current.alloc_lock);
  yield* mmput(mm as Mm);
}

/** In execve(2): the task gets the address space of the new program. */
export function* exec_mmap(current: UserTask, mm: Mm): Operation {
  const old_mm = (yield* load(current.mm)) as Mm;
  yield* down_read(old_mm.mmap_sem);
  yield* spin_lock(current.alloc_lock);
  yield* store(current.mm, mm);
  yield* spin_unlock(current.alloc_lock);
  yield* up_read(old_mm.mmap_sem);
  yield* mmput(old_mm);
}
