/**
 * mm/memory.c, include/linux/mmap_lock.h, include/linux/sched/mm.h, v6.6: a user's access to device memory that he has
 * mapped, and what takes a mapping away.
 *
 * Left out: the lock of a vma, under which device memory is not faulted in; processes that end.
 */
import type { Handle } from '../../machines/object.ts';
import type { MmStruct, PageTables, VmAreaStruct } from '../../machines/driver-core/mm.ts';
import type { PciFunction } from '../../machines/driver-core/pci.ts';
import type { ListHead } from '../../machines/sync/list.ts';
import type { Refcount } from '../../machines/sync/refcount.ts';
import type { Rwsem } from '../../machines/sync/rwsem.ts';
import { type Again, access, again, loop, message, type Operation, oneOf, send } from '../step.ts';
import { list_for_each_entry } from '../sync/list.ts';
import { lastPut } from '../sync/refcount.ts';
import { down_read, up_read } from '../sync/rwsem.ts';
import { follow } from './pointer.ts';

const shared = { kind: 'acquire', mode: 'shared' } as const;
const lock = access<Rwsem, 'down_read'>(shared, 'down_read', { c: 'mmap_read_lock(&$)' });
const trylock = access<Rwsem, 'down_read_trylock'>({ ...shared, try: true }, 'down_read_trylock', { c: 'mmap_read_trylock(&$)' });
const unlock = access<Rwsem, 'up_read'>({ kind: 'release', mode: 'shared' }, 'up_read', { c: 'mmap_read_unlock(&$)' });
export const mmap_read_lock = ({ mmap_lock }: MmStruct): Operation => lock(mmap_lock);
export const mmap_read_trylock = ({ mmap_lock }: MmStruct): Operation<boolean> => trylock(mmap_lock);
export const mmap_read_unlock = ({ mmap_lock }: MmStruct): Operation => unlock(mmap_lock);

const get = access<Refcount, 'refcount_inc_not_zero'>('get', 'refcount_inc_not_zero', { c: 'mmget_not_zero(&$)' });
const put = access<Refcount, 'refcount_dec_and_test'>(lastPut, 'refcount_dec_and_test', { c: 'mmput(&$)' });
export const mmget_not_zero = ({ mm_users }: MmStruct): Operation<boolean> => get(mm_users);
/** Not modelled: the last put, which is that of a process that ends. */
export function* mmput({ mm_users }: MmStruct): Operation {
  yield* put(mm_users);
}

/** The locks of page tables, which each change takes; who zaps comes back when no CPU uses the entries any more. */
const pte = { kind: 'update', orders: 'both' } as const;

export const zap_vma_ptes = (vma: VmAreaStruct): Operation =>
  send(message<PageTables, 'zap_vma_ptes'>(pte, vma.ptes, 'zap_vma_ptes', undefined, { c: 'zap_vma_ptes($)' }));

/** From now on the user comes to the BARs of that function by himself. */
export const io_remap_pfn_range = (vma: VmAreaStruct, it: Handle<PciFunction>): Operation =>
  send(
    message<PageTables, 'io_remap_pfn_range'>(pte, vma.ptes, 'io_remap_pfn_range', undefined, { c: 'io_remap_pfn_range($)' }),
    message<PciFunction, 'io_remap_pfn_range'>('update', it, 'io_remap_pfn_range'),
  );

/** The same for one page, which somebody else may have mapped meanwhile. */
export const vmf_insert_pfn = (vma: VmAreaStruct, it: Handle<PciFunction>): Operation =>
  send(
    message<PageTables, 'vmf_insert_pfn'>(pte, vma.ptes, 'vmf_insert_pfn', undefined, { c: 'vmf_insert_pfn($)' }),
    message<PciFunction, 'io_remap_pfn_range'>('update', it, 'io_remap_pfn_range'),
  );

/** Zaps the mappings of a file, without the locks of their processes. */
export function* unmap_mapping_range({ i_mmap_rwsem, i_mmap }: AddressSpace): Operation {
  yield* down_read(i_mmap_rwsem);
  yield* list_for_each_entry<VmAreaStruct, undefined>(i_mmap, 'shared', function* (vma) {
    yield* zap_vma_ptes(vma);
    return undefined;
  });
  yield* up_read(i_mmap_rwsem);
}

export interface AddressSpace {
  readonly i_mmap_rwsem: Handle<Rwsem>;
  readonly i_mmap: Handle<ListHead>;
}

export type Fault = 'VM_FAULT_NOPAGE' | 'VM_FAULT_SIGBUS';

/**
 * A load of the user from a BAR of that function. No code of the kernel runs unless the page tables lead nowhere; after the
 * fault the CPU tries again.
 * @returns whether it got there; else the user gets a SIGBUS
 */
export function* readMapped(
  vma: VmAreaStruct,
  it: Handle<PciFunction>,
  fault: (vma: VmAreaStruct) => Operation<Fault>,
): Operation<boolean> {
  return yield* loop<null, boolean>(null, function* read_bar(): Operation<boolean | Again<null>> {
    const { way } = yield* oneOf({
      hit: [
        message<PciFunction, 'readl'>('read', it, 'readl', undefined, { c: '*(volatile u32 *)bar' }),
        message<PageTables, 'hit'>('read', vma.ptes, 'hit'),
      ],
      miss: message<PageTables, 'miss'>('read', vma.ptes, 'miss', undefined, { c: '*(volatile u32 *)bar: page fault' }),
    });
    if (way === 'hit') return true;
    return (yield* do_user_addr_fault(vma, fault)) === 'VM_FAULT_NOPAGE' ? again(null) : false;
  });
}

/** arch/x86/mm/fault.c */
function* do_user_addr_fault(vma: VmAreaStruct, fault: (vma: VmAreaStruct) => Operation<Fault>): Operation<Fault> {
  const mm = yield* follow(vma.vm_mm);
  yield* mmap_read_lock(mm);
  const ret = yield* fault(vma);
  yield* mmap_read_unlock(mm);
  return ret;
}
