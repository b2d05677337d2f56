/**
 * drivers/vfio/vfio.c, v4.19: what it offers to others. External users such as KVM hold a group by its file; drivers of
 * mediated devices pin pages and hear of unmapped ones, and of the virtual machine, by their device; drivers let a device go.
 *
 * Each call of a driver finds the group by its device, counts itself a user of the container for as long as it takes, and
 * is counted out at its end, where it may be the last.
 *
 * vfio_del_group_dev() waits with wait_woken(), as from v5.2 on and in v4.19.y: before, its condition slept.
 *
 * Left out: the checks of arguments that are constant here; how many pages may be pinned at once.
 */
import type { Handle, Null } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Device, GroupFile, KvmPointer, VfioDevice, VfioGroup } from '../../../machines/vfio/v4.19/vfio.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { type Again, again, loop, type Operation } from '../../step.ts';
import { list_add, list_empty } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import {
  type BlockingNotifierHead,
  blocking_notifier_call_chain,
  blocking_notifier_chain_register,
  blocking_notifier_chain_unregister,
} from '../../sync/notifier.ts';
import { add_wait_queue, remove_wait_queue, wait_event, wait_woken } from '../../sync/wait-queue.ts';
import { EINVAL, ENODEV, ENOTTY } from '../errno.ts';
import { type Core, kzallocFrom, type Pools, vfio_device_ops, type VfioDeviceOps, type VfioIommuDriverOps } from './ops.ts';
import { vfio_group_add_container_user, vfio_group_try_dissolve_container, vfio_ioctl_check_extension } from './vfio-fops.ts';
import type { DevViable } from './vfio-notifier.ts';
import {
  vfio_device_put,
  vfio_group_get,
  vfio_group_get_device,
  vfio_group_get_from_dev,
  vfio_group_put,
} from './vfio-objects.ts';

/* ---- for a driver that lets its device go ---- */

/** From a driver's remove, under the lock of the device. It waits for who has the device open, and for the container. */
export function* vfio_del_group_dev({ vfio }: Core, dev: Device, pools: Pools, ops: VfioDeviceOps = vfio_device_ops): Operation {
  const device = (yield* follow(dev.driver_data)) as VfioDevice;
  const group = yield* follow(device.group);
  yield* vfio_group_get(group);

  const unbound = yield* kzallocFrom(pools, 'vfio_unbound_dev');
  yield* store(unbound.dev, dev);
  yield* mutex_lock(group.unbound_lock);
  yield* list_add(unbound.unbound_next, group.unbound_list);
  yield* mutex_unlock(group.unbound_lock);

  yield* vfio_device_put(vfio, device);
  yield* add_wait_queue(vfio.release_q);
  yield* loop<boolean, true>(false, function* (interrupted): Operation<true | Again<boolean>> {
    const used = yield* vfio_group_get_device(group, dev);
    if (isNull(used)) return true;
    if (ops.request) yield* ops.request(used);
    yield* vfio_device_put(vfio, used);
    const end = interrupted
      ? yield* wait_woken(vfio.release_q, 'timeout')
      : yield* wait_woken(vfio.release_q, 'timeout', 'signal');
    return again(interrupted || end === 'signal');
  });
  yield* remove_wait_queue(vfio.release_q);

  if (yield* list_empty(group.device_list))
    yield* wait_event(group.container_q, function* () {
      return isNull(yield* load(group.container));
    });
  yield* vfio_group_put(vfio, group);
}

/* ---- external users ---- */

/** @param filep that it is a group's, and of which, its caller knows */
export function* vfio_group_get_external_user(core: Core, filep: GroupFile, viable?: DevViable): Operation<VfioGroup | number> {
  const group = yield* follow(filep.private_data);
  const ret = yield* vfio_group_add_container_user(core, group, viable);
  if (ret !== 0) return ret;
  yield* vfio_group_get(group);
  return group;
}

export function* vfio_group_put_external_user(core: Core, group: VfioGroup): Operation {
  yield* vfio_group_try_dissolve_container(core, group);
  yield* vfio_group_put(core.vfio, group);
}

export function* vfio_external_group_match_file(test_group: VfioGroup, filep: GroupFile): Operation<boolean> {
  return (yield* load(filep.private_data)) === test_group;
}

export function* vfio_external_check_extension(core: Core, group: VfioGroup, arg: string): Operation<number> {
  return yield* vfio_ioctl_check_extension(core, yield* follow(group.container), arg);
}

/* ---- for drivers of mediated devices ---- */

function* byDevice(core: Core, dev: Device, use: (group: VfioGroup) => Operation<number>): Operation<number> {
  const group = yield* vfio_group_get_from_dev(core.vfio, dev);
  if (isNull(group)) return -ENODEV;
  const ret = yield* use(group);
  yield* vfio_group_put(core.vfio, group);
  return ret;
}

type AddUser = (core: Core, group: VfioGroup) => Operation<number>;
type OfPages = VfioIommuDriverOps['pin_pages'];

function* passOn(
  core: Core,
  group: VfioGroup,
  user_pfn: readonly number[],
  op: OfPages,
  addUser: AddUser = vfio_group_add_container_user,
): Operation<number> {
  let ret = yield* addUser(core, group);
  if (ret !== 0) return ret;
  const container = yield* follow(group.container);
  const driver = yield* load(container.iommu_driver);
  if (isNull(driver) || op === undefined) ret = -ENOTTY;
  else ret = yield* op(yield* load(container.iommu_data), user_pfn);
  yield* vfio_group_try_dissolve_container(core, group);
  return ret;
}

/** What vfio_pin_pages() does with the group that it has found. @param addUser how, in another design */
export const pinOfGroup = (core: Core, group: VfioGroup, user_pfn: readonly number[], addUser?: AddUser): Operation<number> =>
  passOn(core, group, user_pfn, core.backend.pin_pages, addUser);

/** What vfio_unpin_pages() does with the group that it has found. */
export const unpinOfGroup = (core: Core, group: VfioGroup, user_pfn: readonly number[]): Operation<number> =>
  passOn(core, group, user_pfn, core.backend.unpin_pages);

/** @returns how many pages were pinned, or a negative errno */
export const vfio_pin_pages = (core: Core, dev: Device, user_pfn: readonly number[], addUser?: AddUser): Operation<number> =>
  byDevice(core, dev, (group) => pinOfGroup(core, group, user_pfn, addUser));

/** @returns how many pages were looked at, or a negative errno */
export const vfio_unpin_pages = (core: Core, dev: Device, user_pfn: readonly number[]): Operation<number> =>
  byDevice(core, dev, (group) => unpinOfGroup(core, group, user_pfn));

type Block = Handle<Field<string>>;

/** enum vfio_notify_type */
export type VfioNotifyType = 'VFIO_IOMMU_NOTIFY' | 'VFIO_GROUP_NOTIFY';
export const VFIO_GROUP_NOTIFY_SET_KVM = 1 << 0;

export function* vfio_register_iommu_notifier(core: Core, group: VfioGroup, events: number, nb: Block): Operation<number> {
  let ret = yield* vfio_group_add_container_user(core, group);
  if (ret !== 0) return -EINVAL;
  const container = yield* follow(group.container);
  const driver = yield* load(container.iommu_driver);
  if (isNull(driver) || core.backend.register_notifier === undefined) ret = -ENOTTY;
  else ret = yield* core.backend.register_notifier(yield* follow(container.iommu_data), events, nb);
  yield* vfio_group_try_dissolve_container(core, group);
  return ret;
}

export function* vfio_unregister_iommu_notifier(core: Core, group: VfioGroup, nb: Block): Operation<number> {
  let ret = yield* vfio_group_add_container_user(core, group);
  if (ret !== 0) return -EINVAL;
  const container = yield* follow(group.container);
  const driver = yield* load(container.iommu_driver);
  if (isNull(driver) || core.backend.unregister_notifier === undefined) ret = -ENOTTY;
  else ret = yield* core.backend.unregister_notifier(yield* follow(container.iommu_data), nb);
  yield* vfio_group_try_dissolve_container(core, group);
  return ret;
}

const notifier = (group: VfioGroup): BlockingNotifierHead => ({ rwsem: group.notifier_rwsem, head: group.notifier_head });

/** Stored without a lock, and told to whoever is on the chain by then. */
export function* vfio_group_set_kvm({ callbacks }: Core, group: VfioGroup, kvm: KvmPointer | Null): Operation {
  yield* store(group.kvm, kvm);
  yield* blocking_notifier_call_chain(notifier(group), callbacks, VFIO_GROUP_NOTIFY_SET_KVM, kvm);
}

/** Where KVM has come before, all who are on the chain are told again: of what a second look finds. */
function* vfio_register_group_notifier(core: Core, group: VfioGroup, events: number, nb: Block): Operation<number> {
  const set_kvm = (events & VFIO_GROUP_NOTIFY_SET_KVM) !== 0;
  if ((events & ~VFIO_GROUP_NOTIFY_SET_KVM) !== 0) return -EINVAL;
  let ret = yield* vfio_group_add_container_user(core, group);
  if (ret !== 0) return -EINVAL;
  ret = yield* blocking_notifier_chain_register(notifier(group), nb);
  if (ret === 0 && set_kvm && !isNull(yield* load(group.kvm))) {
    const kvm = yield* load(group.kvm);
    yield* blocking_notifier_call_chain(notifier(group), core.callbacks, VFIO_GROUP_NOTIFY_SET_KVM, kvm);
  }
  yield* vfio_group_try_dissolve_container(core, group);
  return ret;
}

function* vfio_unregister_group_notifier(core: Core, group: VfioGroup, nb: Block): Operation<number> {
  let ret = yield* vfio_group_add_container_user(core, group);
  if (ret !== 0) return -EINVAL;
  ret = yield* blocking_notifier_chain_unregister(notifier(group), nb);
  yield* vfio_group_try_dissolve_container(core, group);
  return ret;
}

export const vfio_register_notifier = (
  core: Core,
  dev: Device,
  type: VfioNotifyType,
  events: number,
  nb: Block,
): Operation<number> =>
  byDevice(core, dev, (group) =>
    type === 'VFIO_IOMMU_NOTIFY'
      ? vfio_register_iommu_notifier(core, group, events, nb)
      : vfio_register_group_notifier(core, group, events, nb),
  );

export const vfio_unregister_notifier = (core: Core, dev: Device, type: VfioNotifyType, nb: Block): Operation<number> =>
  byDevice(core, dev, (group) =>
    type === 'VFIO_IOMMU_NOTIFY'
      ? vfio_unregister_iommu_notifier(core, group, nb)
      : vfio_unregister_group_notifier(core, group, nb),
  );
