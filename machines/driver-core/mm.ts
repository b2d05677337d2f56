/**
 * struct mm_struct and struct vm_area_struct (include/linux/mm_types.h), for mappings of device memory: either the page
 * tables of a vma lead to the device, and its user gets there without the kernel, or they lead nowhere, and he faults.
 *
 * Left out: that a vma is filled page by page; that processes end, or unmap.
 */
import { done, globals, type HandleTo, part, setupObject, splat } from '../object.ts';
import { pointer } from '../sync/field.ts';
import { list_head, list_node } from '../sync/list.ts';
import { refcount } from '../sync/refcount.ts';
import { rwsem } from '../sync/rwsem.ts';

export const mm_struct = globals('mm_struct', { mmap_lock: rwsem(), mm_users: refcount(1) });
export interface MmStruct extends HandleTo<typeof mm_struct> {}

export type PageTables = {
  io_remap_pfn_range: object;
  /** Who finds the entry filled leaves it as it is. */
  vmf_insert_pfn: object;
  zap_vma_ptes: object;
  /** What the CPU finds for an access; each waits until it is so. */
  hit: object;
  miss: object;
};

type Context = { readonly initially: 'empty' | 'filled' };

const filledTwice = splat({
  kind: 'bug',
  text: 'a page table entry is filled that is not empty',
  prints: 'kernel BUG at mm/memory.c!',
  stops: true,
});

const machine = setupObject<Context, PageTables>().createMachine({
  id: 'page_tables',
  context: ({ input }) => input,
  initial: 'start',
  states: {
    start: { always: [{ guard: ({ context }) => context.initially === 'filled', target: 'filled' }, { target: 'empty' }] },
    empty: {
      on: {
        io_remap_pfn_range: { target: 'filled', actions: done },
        vmf_insert_pfn: { target: 'filled', actions: done },
        zap_vma_ptes: { actions: done },
        miss: { actions: done },
      },
    },
    filled: {
      on: {
        io_remap_pfn_range: { actions: filledTwice },
        vmf_insert_pfn: { actions: done },
        zap_vma_ptes: { target: 'empty', actions: done },
        hit: { actions: done },
      },
    },
  },
});

/** struct address_space (include/linux/fs.h): the vmas that map a file, whosever they are. */
export const addressSpaceParts = () => ({ i_mmap_rwsem: rwsem(), i_mmap: list_head() });

/** A mapping of BARs of a device of VFIO. */
export const vm_area_struct = globals('vm_area_struct', {
  vm_mm: pointer<MmStruct>(),
  /** A void pointer: the struct of the driver. */
  vm_private_data: pointer<{ readonly path: string }>(),
  ptes: part<PageTables, Context>(machine, { initially: 'empty' }),
  /**
   * struct vfio_pci_mmap_vma, the entry by which the driver keeps the vma on its list. It is allocated and freed with the
   * list's lock held, and there is never more than one for a vma.
   */
  vma_next: list_node(),
  /** Its place among the mappings of a file. */
  shared: list_node(),
});
export interface VmAreaStruct extends HandleTo<typeof vm_area_struct> {}
