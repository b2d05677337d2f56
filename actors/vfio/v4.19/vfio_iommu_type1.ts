/**
 * drivers/vfio/vfio_iommu_type1.c, v4.19.71: the operations of the back end, and the ioctls that a container passes on.
 *
 * One lock guards it all, and is dropped for those who are told to unpin. Whether a container has a domain of an IOMMU is
 * asked under that lock, as is whether anybody is there to be told.
 *
 * Left out: prot, nesting and the checks of sizes and alignment, which depend on arguments alone; which bus a group is on
 * beyond whether it is that of mediated devices; interrupt remapping and MSI windows; domains that do not match, so that
 * groups of one container share one; failures of the IOMMU and of allocations; GET_INFO.
 */
import type { IommuDomain } from '../../../machines/driver-core/iommu-domain.ts';
import type { Page, UserTask } from '../../../machines/mm/mm.ts';
import { type Handle, NULL, type Null } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { NotifierChain } from '../../../machines/sync/notifier.ts';
import type { IommuGroup, Type1Group, VfioDma, VfioDomain, VfioIommu, VfioPfn } from '../../../machines/vfio/v4.19/index.ts';
import { iommu_attach_group, iommu_detach_group, iommu_iova_to_phys, iommu_map } from '../../driver-core/iommu-domain.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { put_page } from '../../mm/mm.ts';
import { access, again, along, BUG_ON, choose, kfree, kzalloc, loop, moves, type Operation, WARN_ON } from '../../step.ts';
import {
  list_add,
  list_add_tail,
  list_del,
  list_empty,
  list_first_entry_or_null,
  list_for_each_entry,
  list_for_each_entry_safe,
} from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import {
  blocking_notifier_call_chain,
  blocking_notifier_chain_register,
  blocking_notifier_chain_unregister,
  type BlockingNotifierHead,
  type Callbacks,
} from '../../sync/notifier.ts';
import { EACCES, EEXIST, EINVAL, ENOSPC } from '../errno.ts';
import { type DmaMap, type DmaUnmap, VFIO_IOMMU_NOTIFY_DMA_UNMAP } from './ops.ts';
import {
  vfio_find_dma,
  vfio_pgsize_bitmap,
  vfio_pin_map_dma,
  vfio_remove_dma,
  vfio_unmap_unpin,
} from './vfio_iommu_type1-dma.ts';
import {
  type Accounting,
  byGroupLeader,
  IS_IOMMU_CAP_DOMAIN_IN_CONTAINER,
  vfio_add_to_pfn_list,
  vfio_iova_get_vfio_pfn,
  vfio_lock_acct,
  vfio_pin_page_external,
  vfio_pin_pages_remote,
  vfio_unpin_page_external,
} from './vfio_iommu_type1-pages.ts';

export type Replay = (iommu: VfioIommu, domain: VfioDomain, current: UserTask, accounting: Accounting) => Operation<number>;

/** Memory of the scenario, and what it puts in the place of drivers. What is not reached need not be given. */
export interface Type1 {
  readonly pools: Type1Pools;
  /** What the functions do that the notifier blocks of drivers name. */
  readonly callbacks?: Callbacks;
  /** How often drivers are told again of one mapping before BUG(): 10 in the kernel. */
  readonly retries?: number;
  /** Not of the kernel: what the unmap returns then, instead. */
  readonly givesUp?: number;
  /** Not of the kernel: what an unmap returns to who may not unmap what it finds. In the kernel that is a success. */
  readonly refuses?: number;
  /** A vfio_pfn may find no memory. */
  readonly outOfMemory?: boolean;
  /** As of v4.19.191: the page is put, and the charge taken back, where there is no memory for its vfio_pfn. */
  readonly putsUnlistedPage?: boolean;
  /** By default that of v4.19. */
  readonly replay?: Replay;
  /** By default that of v4.19. */
  readonly accounting?: Accounting;
}
export interface Type1Pools {
  readonly vfio_iommu?: VfioIommu;
  readonly vfio_dma?: VfioDma;
  readonly vfio_pfn?: VfioPfn;
  readonly vfio_domain?: VfioDomain;
  /** The struct vfio_group of type1. */
  readonly type1_group?: Type1Group;
  readonly iommu_domain?: IommuDomain;
}
function kzallocFrom<K extends keyof Type1Pools>({ pools }: Type1, name: K): Operation<NonNullable<Type1Pools[K]>> {
  const from = pools[name];
  if (from === undefined) throw new TypeError(`no pool is given for struct ${name}`);
  return kzalloc<NonNullable<Type1Pools[K]>>(from);
}

function* allocVpfn(type1: Type1): Operation<VfioPfn | undefined> {
  if (type1.outOfMemory === true && (yield* choose('kzalloc(vpfn)', 'succeeds', 'fails')) === 'fails') return undefined;
  return yield* kzallocFrom(type1, 'vfio_pfn');
}

export const accountingOf = ({ accounting }: Type1): Accounting => accounting ?? byGroupLeader;

const notifierOf = (iommu: VfioIommu): BlockingNotifierHead => ({ rwsem: iommu.notifier_rwsem, head: iommu.notifier_head });
const peek = access<NotifierChain, 'head'>('read', 'head', { c: '$' });
const isChainEmpty = function* (iommu: VfioIommu): Operation<boolean> {
  return isNull(yield* peek(iommu.notifier_head));
};

/* ---- pages for drivers of mediated devices ---- */

/**
 * @param user_pfn the numbers of the pages, as the device knows them
 * @returns how many were pinned, or a negative errno and none
 */
export function* vfio_iommu_type1_pin_pages(
  iommu: VfioIommu | Null,
  user_pfn: readonly number[],
  type1: Type1,
): Operation<number> {
  if (isNull(iommu)) return -EINVAL;
  if (!(yield* load(iommu.v2))) return -EACCES;
  yield* mutex_lock(iommu.lock);
  const ret = yield* pinPages(iommu, user_pfn, type1);
  yield* mutex_unlock(iommu.lock);
  return ret;
}

function* pinPages(iommu: VfioIommu, user_pfn: readonly number[], type1: Type1): Operation<number> {
  if (isNull(yield* load(iommu.external_domain)) || (yield* isChainEmpty(iommu))) return -EINVAL;
  const do_accounting = !(yield* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu));
  for (const [i, iova] of user_pfn.entries()) {
    const ret = yield* pinPage(iommu, iova, do_accounting, type1);
    if (ret === 0) continue;
    for (const pinned of user_pfn.slice(0, i)) {
      const dma = yield* vfio_find_dma(iommu, pinned, 1);
      yield* vfio_unpin_page_external(dma as VfioDma, pinned, do_accounting, accountingOf(type1));
    }
    return ret;
  }
  return user_pfn.length;
}

function* pinPage(iommu: VfioIommu, iova: number, do_accounting: boolean, type1: Type1): Operation<number> {
  const dma = yield* vfio_find_dma(iommu, iova, 1);
  if (dma === undefined) return -EINVAL;
  if ((yield* vfio_iova_get_vfio_pfn(dma, iova)) !== undefined) return 0;
  const remote_vaddr = (yield* load(dma.vaddr)) + iova - (yield* load(dma.iova));
  const pfn = yield* vfio_pin_page_external(dma, remote_vaddr, do_accounting, accountingOf(type1));
  if (typeof pfn === 'number') return pfn;
  const ret = yield* vfio_add_to_pfn_list(dma, iova, pfn, () => allocVpfn(type1));
  if (ret !== 0 && type1.putsUnlistedPage === true) {
    yield* put_page(pfn);
    if (do_accounting) yield* vfio_lock_acct(dma, -1, true, accountingOf(type1));
  }
  // It looks for what has not been added: the page and its charge are left.
  else if (ret !== 0) yield* vfio_unpin_page_external(dma, iova, do_accounting, accountingOf(type1));
  return ret;
}

/** @returns how many pages were looked at, or a negative errno */
export function* vfio_iommu_type1_unpin_pages(
  iommu: VfioIommu | Null,
  user_pfn: readonly number[],
  accounting: Accounting = byGroupLeader,
): Operation<number> {
  if (isNull(iommu)) return -EINVAL;
  if (!(yield* load(iommu.v2))) return -EACCES;
  yield* mutex_lock(iommu.lock);
  if (isNull(yield* load(iommu.external_domain))) {
    yield* mutex_unlock(iommu.lock);
    return -EINVAL;
  }
  const do_accounting = !(yield* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu));
  let i = 0;
  for (const iova of user_pfn) {
    const dma = yield* vfio_find_dma(iommu, iova, 1);
    if (dma === undefined) break;
    yield* vfio_unpin_page_external(dma, iova, do_accounting, accounting);
    i++;
  }
  yield* mutex_unlock(iommu.lock);
  return i > 0 ? i : -EINVAL;
}

/* ---- VFIO_IOMMU_MAP_DMA and VFIO_IOMMU_UNMAP_DMA ---- */

export function* vfio_dma_do_map(iommu: VfioIommu, map: DmaMap, current: UserTask, type1: Type1): Operation<number> {
  yield* vfio_pgsize_bitmap(iommu);
  yield* mutex_lock(iommu.lock);
  const ret = yield* mapLocked(iommu, map, current, type1);
  yield* mutex_unlock(iommu.lock);
  return ret;
}

function* mapLocked(iommu: VfioIommu, { iova, vaddr, size }: DmaMap, current: UserTask, type1: Type1): Operation<number> {
  if ((yield* vfio_find_dma(iommu, iova, size)) !== undefined) return -EEXIST;
  if ((yield* load(iommu.dma_avail)) === 0) return -ENOSPC;
  const dma = yield* kzallocFrom(type1, 'vfio_dma');
  yield* store(iommu.dma_avail, (yield* load(iommu.dma_avail)) - 1);
  yield* store(dma.iova, iova);
  yield* store(dma.vaddr, vaddr);
  yield* accountingOf(type1).hold(dma, current);
  yield* along(list_add_tail(dma.node, iommu.dma_list), moves(dma.chart, 'linked'));
  if (yield* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu))
    return yield* vfio_pin_map_dma(iommu, dma, size, current, accountingOf(type1));
  yield* along(store(dma.size, size), moves(dma.chart, 'recorded'));
  return 0;
}

/** What goes from one pass to the next. A mapping is known by its address, be it that of another by now. */
type Pass = { readonly dma_last: string | null; readonly retries: number; readonly unmapped: number };

/**
 * The lock is dropped for the drivers that have pages of a mapping pinned, and the search begins anew: they must have
 * unpinned them by then. Who does not share the address space of whoever mapped it unmaps nothing, and that is a success.
 *
 * @returns how many pages were unmapped, or a negative errno
 */
export function* vfio_dma_do_unmap(iommu: VfioIommu, unmap: DmaUnmap, current: UserTask, type1: Type1): Operation<number> {
  yield* vfio_pgsize_bitmap(iommu);
  return yield* loop<Pass, number>({ dma_last: null, retries: 0, unmapped: 0 }, function* (pass) {
    yield* mutex_lock(iommu.lock);
    if ((yield* load(iommu.v2)) && (yield* isBisected(iommu, unmap))) {
      yield* mutex_unlock(iommu.lock);
      return -EINVAL;
    }
    const { dma, unmapped, isForeign } = yield* removeUnpinned(iommu, unmap, current, pass.unmapped, accountingOf(type1));
    if (dma === undefined) {
      yield* mutex_unlock(iommu.lock);
      return isForeign && type1.refuses !== undefined ? type1.refuses : unmapped;
    }
    const retries = pass.dma_last === dma.path ? pass.retries + 1 : 0;
    if (type1.givesUp !== undefined && retries > (type1.retries ?? 10)) {
      yield* mutex_unlock(iommu.lock);
      return type1.givesUp;
    }
    yield* BUG_ON(retries > (type1.retries ?? 10), '++retries > 10');
    const nb_unmap: DmaUnmap = { iova: yield* load(dma.iova), size: yield* load(dma.size) };
    yield* mutex_unlock(iommu.lock);
    yield* blocking_notifier_call_chain(notifierOf(iommu), type1.callbacks ?? {}, VFIO_IOMMU_NOTIFY_DMA_UNMAP, nb_unmap);
    return again({ dma_last: dma.path, retries, unmapped });
  });
}

/** Mappings are taken away whole: none may reach beyond the range. */
function* isBisected(iommu: VfioIommu, { iova, size }: DmaUnmap): Operation<boolean> {
  const first = yield* vfio_find_dma(iommu, iova, 1);
  if (first !== undefined && (yield* load(first.iova)) !== iova) return true;
  const last = yield* vfio_find_dma(iommu, iova + size - 1, 1);
  return last !== undefined && (yield* load(last.iova)) + (yield* load(last.size)) !== iova + size;
}

interface Removed {
  readonly unmapped: number;
  /** It stopped at this mapping, of which pages are pinned by drivers. */
  readonly dma?: VfioDma;
  /** It stopped at a mapping of another address space. */
  readonly isForeign?: boolean;
}

function* removeUnpinned(
  iommu: VfioIommu,
  { iova, size }: DmaUnmap,
  current: UserTask,
  before: number,
  accounting: Accounting,
): Operation<Removed> {
  let unmapped = before;
  for (;;) {
    const dma = yield* vfio_find_dma(iommu, iova, size);
    if (dma === undefined) return { unmapped };
    if (!(yield* load(iommu.v2)) && iova > (yield* load(dma.iova))) return { unmapped };
    const task = yield* follow(dma.task);
    if ((yield* load(task.mm)) !== (yield* load(current.mm))) return { unmapped, isForeign: true };
    if (!(yield* list_empty(dma.pfn_list))) return { dma, unmapped };
    unmapped += yield* load(dma.size);
    yield* vfio_remove_dma(iommu, dma, accounting);
  }
}

/* ---- groups ---- */

function* find_iommu_group(domain: VfioDomain, iommu_group: IommuGroup): Operation<Type1Group | undefined> {
  return yield* list_for_each_entry<Type1Group, Type1Group | undefined>(domain.group_list, 'next', function* (g) {
    return (yield* load(g.iommu_group)) === iommu_group ? g : undefined;
  });
}

/** Under the container's group_lock, for writing. @param current whose memory a translation that is made now reaches */
export function* vfio_iommu_type1_attach_group(
  iommu: VfioIommu,
  iommu_group: IommuGroup,
  current: UserTask,
  type1: Type1,
): Operation<number> {
  yield* mutex_lock(iommu.lock);
  const ret = yield* attachLocked(iommu, iommu_group, current, type1);
  yield* mutex_unlock(iommu.lock);
  return ret;
}

function* isAttached(iommu: VfioIommu, iommu_group: IommuGroup): Operation<boolean> {
  const inDomain = yield* list_for_each_entry<VfioDomain, true | undefined>(iommu.domain_list, 'next', function* (d) {
    return (yield* find_iommu_group(d, iommu_group)) === undefined ? undefined : true;
  });
  if (inDomain) return true;
  const external = yield* load(iommu.external_domain);
  return !isNull(external) && (yield* find_iommu_group(external, iommu_group)) !== undefined;
}

function* attachLocked(iommu: VfioIommu, iommu_group: IommuGroup, current: UserTask, type1: Type1): Operation<number> {
  if (yield* isAttached(iommu, iommu_group)) return -EINVAL;
  const group = yield* kzallocFrom(type1, 'type1_group');
  const domain = yield* kzallocFrom(type1, 'vfio_domain');
  yield* store(group.iommu_group, iommu_group);
  if ((yield* load(iommu_group.bus)) === 'mdev') {
    if (isNull(yield* load(iommu.external_domain))) yield* store(iommu.external_domain, domain);
    else yield* kfree(domain);
    yield* list_add(group.next, (yield* follow(iommu.external_domain)).group_list);
    return 0;
  }

  const table = yield* kzallocFrom(type1, 'iommu_domain');
  yield* store(domain.domain, table);
  yield* iommu_attach_group(table, iommu_group);
  yield* list_add(group.next, domain.group_list);
  const d = yield* list_first_entry_or_null<VfioDomain>(iommu.domain_list);
  if (!isNull(d)) {
    yield* iommu_detach_group(table, iommu_group);
    yield* iommu_attach_group(yield* follow(d.domain), iommu_group);
    // C leaves it on the list of a domain that it is about to free.
    yield* list_del(group.next, domain.group_list);
    yield* list_add(group.next, d.group_list);
    yield* kfree(table);
    yield* kfree(domain);
    return 0;
  }
  const ret = yield* (type1.replay ?? vfio_iommu_replay)(iommu, domain, current, accountingOf(type1));
  if (ret === 0) {
    yield* list_add(domain.next, iommu.domain_list);
    return 0;
  }
  yield* iommu_detach_group(table, iommu_group);
  yield* kfree(table);
  yield* kfree(domain);
  yield* kfree(group);
  return ret;
}

/** What is mapped is translated by the new domain, too. Where that fails halfway, what came before stays as it is. */
function* vfio_iommu_replay(iommu: VfioIommu, domain: VfioDomain, current: UserTask, accounting: Accounting): Operation<number> {
  const limit = yield* load(current.rlim_memlock);
  const d = (yield* list_first_entry_or_null<VfioDomain>(iommu.domain_list)) as VfioDomain;
  const failed = yield* list_for_each_entry<VfioDma, number | undefined>(iommu.dma_list, 'node', function* (dma) {
    const start = yield* load(dma.iova);
    const size = yield* load(dma.size);
    for (let iova = start; iova < start + size; iova++) {
      const phys = (yield* load(dma.iommu_mapped))
        ? yield* iommu_iova_to_phys(yield* follow(d.domain), iova)
        : yield* vfio_pin_pages_remote(dma, (yield* load(dma.vaddr)) + (iova - start), limit, current, accounting);
      if (typeof phys === 'number') return phys;
      if (yield* WARN_ON(isNull(phys), '!phys')) continue;
      yield* iommu_map(yield* follow(domain.domain), iova, phys as Page);
    }
    yield* along(store(dma.iommu_mapped, true), moves(dma.chart, 'mapped'));
    return undefined;
  });
  return failed ?? 0;
}

function* vfio_iommu_unmap_unpin_all(iommu: VfioIommu, accounting: Accounting): Operation {
  for (;;) {
    const dma = yield* list_first_entry_or_null<VfioDma>(iommu.dma_list);
    if (isNull(dma)) return;
    yield* vfio_remove_dma(iommu, dma, accounting);
  }
}

/** The last domain of an IOMMU goes, and drivers stay: what they have pinned is all that is charged from now on. */
function* vfio_iommu_unmap_unpin_reaccount(iommu: VfioIommu, accounting: Accounting): Operation {
  yield* list_for_each_entry<VfioDma, undefined>(iommu.dma_list, 'node', function* (dma) {
    const unlocked = yield* vfio_unmap_unpin(iommu, dma, false, accounting);
    let locked = 0;
    yield* list_for_each_entry<VfioPfn, undefined>(dma.pfn_list, 'node', function* (vpfn) {
      yield* load(vpfn.pfn);
      locked++;
      return undefined;
    });
    yield* vfio_lock_acct(dma, locked - unlocked, true, accounting);
    return undefined;
  });
}

/** A driver of a mediated device must have unpinned all, and must not wait to be told any more. */
function* vfio_sanity_check_pfn_list(iommu: VfioIommu): Operation {
  yield* list_for_each_entry<VfioDma, true | undefined>(iommu.dma_list, 'node', function* (dma) {
    const isPinned = !(yield* list_empty(dma.pfn_list));
    return (yield* WARN_ON(isPinned, '!RB_EMPTY_ROOT(&dma->pfn_list)')) ? true : undefined;
  });
  yield* WARN_ON(!(yield* isChainEmpty(iommu)), 'iommu->notifier.head');
}

/** Under the container's group_lock, for writing. */
export function* vfio_iommu_type1_detach_group(
  iommu: VfioIommu,
  iommu_group: IommuGroup,
  accounting: Accounting = byGroupLeader,
): Operation {
  yield* mutex_lock(iommu.lock);
  if (!(yield* detachExternal(iommu, iommu_group, accounting)))
    yield* list_for_each_entry<VfioDomain, true | undefined>(iommu.domain_list, 'next', function* (domain) {
      const group = yield* find_iommu_group(domain, iommu_group);
      if (group === undefined) return undefined;
      yield* iommu_detach_group(yield* follow(domain.domain), iommu_group);
      yield* list_del(group.next, domain.group_list);
      yield* kfree(group);
      if (yield* list_empty(domain.group_list)) yield* removeDomain(iommu, domain, accounting);
      return true;
    });
  yield* mutex_unlock(iommu.lock);
}

/** @returns whether it was a group of mediated devices */
function* detachExternal(iommu: VfioIommu, iommu_group: IommuGroup, accounting: Accounting): Operation<boolean> {
  const external = yield* load(iommu.external_domain);
  if (isNull(external)) return false;
  const group = yield* find_iommu_group(external, iommu_group);
  if (group === undefined) return false;
  yield* list_del(group.next, external.group_list);
  yield* kfree(group);
  if (yield* list_empty(external.group_list)) {
    yield* vfio_sanity_check_pfn_list(iommu);
    if (!(yield* IS_IOMMU_CAP_DOMAIN_IN_CONTAINER(iommu))) yield* vfio_iommu_unmap_unpin_all(iommu, accounting);
    yield* kfree(external);
    yield* store(iommu.external_domain, NULL);
  }
  return true;
}

/** Its last group is gone. With the last domain go the mappings, unless drivers of mediated devices need them. */
function* removeDomain(iommu: VfioIommu, domain: VfioDomain, accounting: Accounting): Operation {
  if (yield* list_is_singular(iommu.domain_list, domain)) {
    if (isNull(yield* load(iommu.external_domain))) yield* vfio_iommu_unmap_unpin_all(iommu, accounting);
    else yield* vfio_iommu_unmap_unpin_reaccount(iommu, accounting);
  }
  yield* kfree(yield* follow(domain.domain));
  yield* list_del(domain.next, iommu.domain_list);
  yield* kfree(domain);
}

/** Of a list on which `only` is. */
function* list_is_singular(head: VfioIommu['domain_list'], only: VfioDomain): Operation<boolean> {
  const others = yield* list_for_each_entry<VfioDomain, true | undefined>(head, 'next', function* (domain) {
    return domain === only ? undefined : true;
  });
  return others === undefined;
}

/* ---- the back end of a container ---- */

/** VFIO_TYPE1v2_IOMMU. */
export const vfio_iommu_type1_open = (type1: Type1): Operation<VfioIommu> => kzallocFrom(type1, 'vfio_iommu');

function* vfio_release_domain(domain: VfioDomain, external: boolean): Operation {
  yield* list_for_each_entry_safe<Type1Group, undefined>(domain.group_list, 'next', function* (group) {
    if (!external) yield* iommu_detach_group(yield* follow(domain.domain), yield* follow(group.iommu_group));
    yield* list_del(group.next, domain.group_list);
    yield* kfree(group);
    return undefined;
  });
  if (!external) yield* kfree(yield* follow(domain.domain));
}

/** Nobody has it any more, and it takes no lock. All mappings go, whichever task has made them. */
export function* vfio_iommu_type1_release(iommu: VfioIommu, accounting: Accounting = byGroupLeader): Operation {
  const external = yield* load(iommu.external_domain);
  if (!isNull(external)) {
    yield* vfio_release_domain(external, true);
    yield* vfio_sanity_check_pfn_list(iommu);
    yield* kfree(external);
  }
  yield* vfio_iommu_unmap_unpin_all(iommu, accounting);
  yield* list_for_each_entry_safe<VfioDomain, undefined>(iommu.domain_list, 'next', function* (domain) {
    yield* vfio_release_domain(domain, false);
    yield* list_del(domain.next, iommu.domain_list);
    yield* kfree(domain);
    return undefined;
  });
  yield* kfree(iommu);
}

/* ---- who is to be told of unmaps ---- */

export const vfio_iommu_type1_register_notifier = (iommu: VfioIommu, nb: Handle<Field<string>>): Operation<number> =>
  blocking_notifier_chain_register(notifierOf(iommu), nb);

export const vfio_iommu_type1_unregister_notifier = (iommu: VfioIommu, nb: Handle<Field<string>>): Operation<number> =>
  blocking_notifier_chain_unregister(notifierOf(iommu), nb);
