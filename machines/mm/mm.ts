/**
 * Memory of user space as far as drivers charge and pin it: struct page, mm_struct and task_struct (include/linux/mm_types.h,
 * include/linux/sched.h, v4.19).
 *
 * Left out: what does not change who pays for a page or who keeps it: page faults, copy on write, reclaim, reserved pages.
 */
import { assign } from 'xstate';
import { done, type HandleTo, NULL_NAME, part, setupObject, struct } from '../object.ts';
import { atomic } from '../sync/atomic.ts';
import { field, pointer } from '../sync/field.ts';
import { rwsem } from '../sync/rwsem.ts';
import { spinlock } from '../sync/spinlock.ts';

/** The first reference is that of the page table that maps it. */
export const page = struct('page', { _refcount: atomic(1) });
export interface Page extends HandleTo<typeof page> {}

type Pointer = { readonly path: string };
export type PageTable = {
  /** By number of the page in the address space; NULL where nothing is mapped. */
  follow_page: { with: { vaddr: number }; reply: Pointer };
  unmap_vmas: object;
};
/** The paths of the pages, from address 0. */
type PageTableContext = { readonly pages: readonly string[] };

const pageTableMachine = setupObject<PageTableContext, PageTable>().createMachine({
  id: 'pgd',
  context: ({ input }) => input,
  on: {
    follow_page: {
      actions: {
        type: 'answer',
        params: ({ context, event }) => ({
          value: { at: (event.type === 'follow_page' ? context.pages[event.vaddr] : undefined) ?? NULL_NAME.at },
        }),
      },
    },
    unmap_vmas: { actions: [assign({ pages: [] }), done] },
  },
});
/** A scenario says in `start` what is mapped: `{ 'mm.pgd': { pages: ['page'] } }`. */
const page_table = () => part<PageTable, PageTableContext>(pageTableMachine, { pages: [] });

export const mm_struct = struct('mm_struct', {
  /** One for all tasks that share it. */
  mm_users: atomic(1),
  mmap_sem: rwsem(),
  locked_vm: field<number>(0),
  pgd: page_table(),
});
export interface Mm extends HandleTo<typeof mm_struct> {}

/** struct task_struct of a thread of user space. Its limit is in pages, and in C shared by its thread group. */
export const user_task = struct('task_struct', {
  usage: atomic(1),
  alloc_lock: spinlock(),
  mm: pointer<Mm>(),
  /** A task, too. */
  group_leader: pointer<Pointer>(),
  rlim_memlock: field<number>(8),
});
export interface UserTask extends HandleTo<typeof user_task> {}

type Start = { readonly [path: string]: { readonly [field: string]: number | { readonly at: string } | readonly string[] } };

/** What `start` says of an address space and of the tasks in it, the first of which leads the thread group of all. */
export const running = (mm: string, pages: readonly string[], ...tasks: readonly [string, ...string[]]): Start => ({
  [`${mm}.mm_users`]: { n: tasks.length },
  [`${mm}.pgd`]: { pages },
  ...Object.fromEntries(
    tasks.flatMap((task) => [
      [`${task}.mm`, { value: { at: mm } }],
      [`${task}.group_leader`, { value: { at: tasks[0] } }],
    ]),
  ),
});
