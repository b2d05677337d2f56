/**
 * drivers/vfio/vfio.c, v5.14 with RFC 02/20 and 03/20: how a device is registered, exposed as a member of its group, as a
 * node of its own, or as both, and how it is unregistered.
 *
 * As in the patch, a device that is exposed twice is so by two halves that know little of each other. References read:
 * the patches as posted (Message-Ids 20210919063848.1476776-3 and -4), on blob 02cc51ce6891 of drivers/vfio/vfio.c.
 *
 * Left out: allocations of its own that fail; debug messages; ops and dev, which are const, as far as nobody needs
 * their value.
 */
import type { Vfio, VfioDevice } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { NULL } from '../../../machines/object.ts';
import { along, again, loop, type Operation, WARN } from '../../step.ts';
import { atomic_set } from '../../sync/atomic.ts';
import {
  try_wait_for_completion,
  wait_for_completion_interruptible_timeout,
  wait_for_completion_timeout,
} from '../../sync/completion.ts';
import { idr_alloc, idr_remove } from '../../sync/idr.ts';
import { list_add, list_del, list_empty, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { refcount_read, refcount_set } from '../../sync/refcount.ts';
import { wait_event } from '../../sync/wait-queue.ts';
import { EBUSY, EINVAL } from '../errno.ts';
import { dev_name, device_create, device_destroy } from './core.ts';
import { iommu_group_get, iommu_group_put } from './iommu.ts';
import { kzallocFrom, type Pools, type VfioDeviceOps, vfio_device_ops } from './ops.ts';
import { deref, isNull } from './pointer.ts';
import {
  deviceMoves,
  MINORMASK,
  vfio_create_group,
  vfio_device_put,
  vfio_group_get_device,
  vfio_group_get_from_iommu,
  vfio_group_put,
} from './vfio-objects.ts';

/** It can be opened by VFIO_GROUP_GET_DEVICE_FD. */
export const VFIO_DEVNODE_GROUP = 1 << 0;
/** It can be opened as a file of /dev/vfio/devices. */
export const VFIO_DEVNODE_NONGROUP = 1 << 1;

/**
 * The half that makes it a member of its group. The count is started unless it looks started already, which it does where
 * the other half came first: two steps, with nothing that keeps the other half, or an open, out from between them.
 */
function* __vfio_register_group_dev(vfio: Vfio, device: VfioDevice, pools: Pools): Operation<number> {
  const dev = deref(yield* load(device.dev));
  const iommu_group = yield* iommu_group_get(dev);
  if (isNull(iommu_group)) return -EINVAL;

  let group = yield* vfio_group_get_from_iommu(vfio, iommu_group);
  if (isNull(group)) {
    const created = yield* vfio_create_group(vfio, iommu_group, pools);
    if (typeof created === 'number') {
      yield* iommu_group_put(iommu_group);
      return created;
    }
    group = created;
  } else {
    yield* iommu_group_put(iommu_group);
  }

  const existing_device = yield* vfio_group_get_device(group, dev);
  if (!isNull(existing_device)) {
    yield* WARN(true, 'Device already exists on group');
    yield* vfio_device_put(existing_device);
    yield* vfio_group_put(vfio, group);
    return -EBUSY;
  }

  // The reference that the look-up took is the device's from here on.
  yield* store(device.group, group);
  if ((yield* refcount_read(device.refcount)) === 0)
    yield* along(refcount_set(device.refcount, 1), deviceMoves(device, 'registered'));

  yield* mutex_lock(group.device_lock);
  yield* list_add(device.group_next, group.device_list);
  yield* store(group.dev_counter, (yield* load(group.dev_counter)) + 1);
  yield* mutex_unlock(group.device_lock);
  return 0;
}

/** The half that gives it a node of its own: everything under device_lock, which whoever opens the node takes as well. */
function* __vfio_register_nongroup_dev(vfio: Vfio, device: VfioDevice): Operation<number> {
  yield* mutex_lock(vfio.device_lock);
  const existing_device = yield* list_for_each_entry(vfio.device_list, 'vfio_next', function* (entry: VfioDevice) {
    return entry === device ? entry : undefined;
  });
  if (existing_device !== undefined) {
    yield* mutex_unlock(vfio.device_lock);
    return -EBUSY;
  }

  const minor = yield* idr_alloc(vfio.device_idr, device, 0, MINORMASK + 1);
  if (minor < 0) {
    yield* mutex_unlock(vfio.device_lock);
    return minor;
  }
  const name = yield* dev_name(deref(yield* load(device.dev)));
  const ret = yield* device_create(vfio.device_class, minor, name);
  if (ret !== 0) {
    yield* idr_remove(vfio.device_idr, minor);
    yield* mutex_unlock(vfio.device_lock);
    return ret;
  }

  if ((yield* refcount_read(device.refcount)) === 0)
    yield* along(refcount_set(device.refcount, 1), deviceMoves(device, 'registered'));
  yield* store(device.minor, minor);
  yield* list_add(device.vfio_next, vfio.device_list);
  yield* mutex_unlock(vfio.device_lock);
  return 0;
}

/**
 * RFC 03/20. What it resets it resets before it looks at anything, and without a lock. A second half that fails has the
 * first undone by the unregistration for use after a life: it waits, within a probe, for whoever was quick to open it.
 */
export function* vfio_register_device(
  vfio: Vfio,
  device: VfioDevice,
  flags: number,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> {
  let ret = -EINVAL;
  yield* store(device.minor, -1);
  yield* store(device.group, NULL);
  yield* atomic_set(device.opened, 0);

  if (flags & ~(VFIO_DEVNODE_GROUP | VFIO_DEVNODE_NONGROUP)) return ret;

  if (flags & VFIO_DEVNODE_GROUP) {
    ret = yield* __vfio_register_group_dev(vfio, device, pools);
    if (ret !== 0) return ret;
  }
  if (flags & VFIO_DEVNODE_NONGROUP) {
    ret = yield* __vfio_register_nongroup_dev(vfio, device);
    if (ret !== 0 && !isNull(yield* load(device.group))) yield* vfio_unregister_device(vfio, device, pools, ops);
  }
  return ret;
}

/**
 * RFC 03/20, on the unregistration of v5.14. The group and the minor are those of when it begins. Number, node and lists
 * stay until the device is released, so that it can be opened anew as long as anybody has it; with the last device of
 * its group it waits until the group is off its container, too.
 *
 * The wait is in slices of 10 s, in each of which the driver may ask its user to let go. After the first signal no further
 * one is heard. Not carried from turn to turn: the number of requests, with which no state would ever come back.
 */
export function* vfio_unregister_device(
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation {
  const group = yield* load(device.group);
  const minor = yield* load(device.minor);

  if (!isNull(group)) {
    const unbound = yield* kzallocFrom(pools, 'vfio_unbound_dev');
    yield* store(unbound.dev, yield* load(device.dev));
    yield* mutex_lock(group.unbound_lock);
    yield* list_add(unbound.unbound_next, group.unbound_list);
    yield* mutex_unlock(group.unbound_lock);
  }

  yield* vfio_device_put(device, deviceMoves(device, 'going'));
  if (!(yield* try_wait_for_completion(device.comp)))
    yield* loop<{ interrupted: boolean }, void>({ interrupted: false }, function* ({ interrupted }) {
      if (ops.request) yield* ops.request(device);
      const rc = interrupted
        ? yield* wait_for_completion_timeout(device.comp)
        : yield* wait_for_completion_interruptible_timeout(device.comp, deviceMoves(device, 'interrupted'));
      return rc > 0 ? undefined : again({ interrupted: interrupted || rc < 0 });
    });

  if (minor >= 0) {
    yield* mutex_lock(vfio.device_lock);
    const unlisted = isNull(group) ? [deviceMoves(device, 'unlisted')] : [];
    yield* along(list_del(device.vfio_next, vfio.device_list), ...unlisted);
    yield* store(device.minor, -1);
    yield* device_destroy(vfio.device_class, minor);
    yield* idr_remove(vfio.device_idr, minor);
    yield* mutex_unlock(vfio.device_lock);
  }
  if (isNull(group)) return;

  yield* mutex_lock(group.device_lock);
  yield* along(list_del(device.group_next, group.device_list), deviceMoves(device, 'unlisted'));
  yield* store(group.dev_counter, (yield* load(group.dev_counter)) - 1);
  yield* mutex_unlock(group.device_lock);

  if (yield* list_empty(group.device_list))
    yield* wait_event(group.container_q, function* () {
      return isNull(yield* load(group.container));
    });
  yield* vfio_group_put(vfio, group);
}

/** What drivers call that know the group interface alone. */
export function* vfio_register_group_dev(
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> {
  return yield* vfio_register_device(vfio, device, VFIO_DEVNODE_GROUP, pools, ops);
}

export function* vfio_unregister_group_dev(
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation {
  yield* vfio_unregister_device(vfio, device, pools, ops);
}
