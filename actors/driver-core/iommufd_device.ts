/**
 * drivers/iommu/iommufd/device.c, v6.6, with the references on a context of main.c: how a context takes a device, and
 * attaches it to a page table. All devices of an IOMMU group that a context has are attached to one.
 *
 * Left out: the object that stands for the device, with its id and its users, who are only those that call from here; how
 * a page table is found by its id, and kept from being destroyed meanwhile but for its count; an IOAS in its place, for
 * which one is found or made; reserved regions, MSIs and cache coherency; what the last put of a context does.
 */
import { NULL, type Null } from '../../machines/object.ts';
import type { IommufdCtx, IommufdHwPagetable, VfioDevice } from '../../machines/vfio/v6.6/index.ts';
import type { Operation } from '../step.ts';
import { fput, get_file, get_file_rcu } from '../sync/file.ts';
import { list_add_tail, list_del, list_empty, list_for_each_entry } from '../sync/list.ts';
import { load, store } from '../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../sync/mutex.ts';
import { refcount_dec, refcount_inc, refcount_inc_not_zero } from '../sync/refcount.ts';
import { EINVAL, ENOENT } from '../vfio/errno.ts';
import {
  iommu_attach_group,
  iommu_detach_group,
  iommu_device_claim_dma_owner,
  iommu_device_release_dma_owner,
  iommu_group_replace_domain,
} from './iommu.ts';
import { follow, isNull } from './pointer.ts';

/** @param fd the context that the descriptor stands for, NULL where it stands for none */
export function* iommufd_ctx_from_fd(fd: IommufdCtx | Null): Operation<IommufdCtx | Null> {
  if (isNull(fd) || !(yield* get_file_rcu(fd.f_count))) return NULL;
  return fd;
}

const iommufd_ctx_get = (ictx: IommufdCtx): Operation => get_file(ictx.f_count);
export const iommufd_ctx_put = (ictx: IommufdCtx): Operation => fput(ictx.f_count, function* () {});

export function* iommufd_device_bind(ictx: IommufdCtx, device: VfioDevice): Operation<number> {
  const ret = yield* iommu_device_claim_dma_owner(yield* follow(device.dev), ictx);
  if (ret === 0) yield* iommufd_ctx_get(ictx);
  return ret;
}

export function* iommufd_device_unbind(ictx: IommufdCtx, device: VfioDevice): Operation {
  yield* iommu_device_release_dma_owner(yield* follow(device.dev));
  yield* iommufd_ctx_put(ictx);
}

/** `idev->igroup->group` */
function* group(device: VfioDevice) {
  return yield* follow((yield* follow(device.dev)).iommu_group);
}

function* iommufd_hw_pagetable_attach(hwpt: IommufdHwPagetable, ictx: IommufdCtx, device: VfioDevice): Operation<number> {
  let rc = 0;
  yield* mutex_lock(ictx.igroup_lock);
  const current = yield* load(ictx.igroup_hwpt);
  if (!isNull(current) && current !== hwpt) rc = -EINVAL;
  else if (yield* list_empty(ictx.igroup_device_list)) {
    rc = yield* iommu_attach_group(hwpt, yield* group(device));
    if (rc === 0) yield* store(ictx.igroup_hwpt, hwpt);
  }
  if (rc === 0) {
    yield* refcount_inc(hwpt.users);
    yield* list_add_tail(device.group_item, ictx.igroup_device_list);
  }
  yield* mutex_unlock(ictx.igroup_lock);
  return rc;
}

/** @returns the page table, whose user its caller is from now on */
function* iommufd_hw_pagetable_detach(ictx: IommufdCtx, device: VfioDevice): Operation<IommufdHwPagetable> {
  const hwpt = yield* follow(ictx.igroup_hwpt);
  yield* mutex_lock(ictx.igroup_lock);
  yield* list_del(device.group_item, ictx.igroup_device_list);
  if (yield* list_empty(ictx.igroup_device_list)) {
    yield* iommu_detach_group(yield* group(device));
    yield* store(ictx.igroup_hwpt, NULL);
  }
  yield* mutex_unlock(ictx.igroup_lock);
  return hwpt;
}

/** Of one that user space has allocated, which goes when user space destroys it. */
const iommufd_hw_pagetable_put = (hwpt: IommufdHwPagetable): Operation => refcount_dec(hwpt.users);

const iommufd_device_do_attach = iommufd_hw_pagetable_attach;

/** All devices of the group change over. The caller puts the old page table, where there is one to put. */
function* iommufd_device_do_replace(
  hwpt: IommufdHwPagetable,
  ictx: IommufdCtx,
  device: VfioDevice,
): Operation<number | IommufdHwPagetable> {
  yield* mutex_lock(ictx.igroup_lock);
  const old = yield* load(ictx.igroup_hwpt);
  if (isNull(old) || old === hwpt) {
    yield* mutex_unlock(ictx.igroup_lock);
    return isNull(old) ? -EINVAL : 0;
  }
  const rc = yield* iommu_group_replace_domain(yield* group(device), hwpt);
  if (rc === 0) {
    yield* store(ictx.igroup_hwpt, hwpt);
    // refcount_add() and refcount_sub_and_test() of all at once; one of the old ones is the caller's to put.
    let devices = 0;
    yield* list_for_each_entry<VfioDevice, undefined>(ictx.igroup_device_list, 'group_item', function* () {
      devices += 1;
      return undefined;
    });
    for (let i = 0; i < devices; i++) yield* refcount_inc(hwpt.users);
    for (let i = 1; i < devices; i++) yield* refcount_dec(old.users);
  }
  yield* mutex_unlock(ictx.igroup_lock);
  return rc === 0 ? old : rc;
}

type Attach = typeof iommufd_device_do_attach | typeof iommufd_device_do_replace;

function* iommufd_device_change_pt(
  ictx: IommufdCtx,
  device: VfioDevice,
  hwpt: IommufdHwPagetable,
  do_attach: Attach,
): Operation<number> {
  // iommufd_get_object(), to iommufd_put_object().
  if (!(yield* refcount_inc_not_zero(hwpt.users))) return -ENOENT;
  const rc = yield* do_attach(hwpt, ictx, device);
  yield* refcount_dec(hwpt.users);
  if (typeof rc === 'number') return rc;
  yield* iommufd_hw_pagetable_put(rc);
  return 0;
}

export const iommufd_device_attach = (ictx: IommufdCtx, device: VfioDevice, hwpt: IommufdHwPagetable): Operation<number> =>
  iommufd_device_change_pt(ictx, device, hwpt, iommufd_device_do_attach);

/** Only of a device that is attached. */
export const iommufd_device_replace = (ictx: IommufdCtx, device: VfioDevice, hwpt: IommufdHwPagetable): Operation<number> =>
  iommufd_device_change_pt(ictx, device, hwpt, iommufd_device_do_replace);

export function* iommufd_device_detach(ictx: IommufdCtx, device: VfioDevice): Operation {
  yield* iommufd_hw_pagetable_put(yield* iommufd_hw_pagetable_detach(ictx, device));
}
