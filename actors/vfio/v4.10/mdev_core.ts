/**
 * drivers/vfio/mdev/mdev_core.c, v4.10 as first merged (7b96953bc640): parents and their devices, under one lock for each
 * parent, which is held over the whole of create and of remove.
 *
 * Left out: -EINVAL for what a caller forgot; the compatibility class; names, over which nobody fights; the attributes of
 * the vendor; allocations that fail.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type {
  Device,
  LockedParent,
  MdevDevice,
  MdevParent,
  MdevParentOps,
  MdevType,
} from '../../../machines/vfio/v4.10/index.ts';
import { type Bus, device_add, device_find_child, device_for_each_child, device_unregister } from '../../driver-core/bus.ts';
import { get_device, put_device } from '../../driver-core/core.ts';
import { isNull } from '../../driver-core/pointer.ts';
import { along, kfree, kzalloc, moves, type Operation } from '../../step.ts';
import { kref_get, kref_init, kref_put } from '../../sync/kref.ts';
import { list_add, list_del, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EBUSY, EINVAL } from '../errno.ts';
import { EEXIST } from '../../../machines/sync/errno.ts';
import {
  create_store,
  device_remove_file,
  mdev_create_sysfs_files,
  mdev_remove_sysfs_files,
  parent_create_sysfs_files,
  parent_remove_sysfs_files,
  remove_store,
} from './mdev_sysfs.ts';
import { mdev_probe, mdev_remove } from './vfio_mdev.ts';
import type { Mdev, Pools } from './mdev_ops.ts';

/* ---- parents ---- */

export const releaseDevice = (dev: Device) => (): Operation => kfree(dev);

function* mdev_release_parent(parent: MdevParent): Operation {
  const dev = (yield* load(parent.dev)) as Device;
  yield* kfree(parent);
  yield* put_device(dev, releaseDevice(dev));
}

export function* mdev_get_parent(parent: MdevParent | Null): Operation<MdevParent | Null> {
  if (!isNull(parent)) yield* kref_get(parent.ref);
  return parent;
}

export function* mdev_put_parent(parent: MdevParent): Operation {
  yield* kref_put(parent.ref, () => mdev_release_parent(parent));
}

/** For whoever holds parent_list_lock. */
export function* __find_parent_device({ mdev_core, dev }: Mdev): Operation<MdevParent | Null> {
  const found = yield* list_for_each_entry<MdevParent, MdevParent | undefined>(mdev_core.parent_list, 'next', function* (parent) {
    return (yield* load(parent.dev)) === dev ? parent : undefined;
  });
  return found ?? NULL;
}

/** What becomes of the one who is there already, where a device is registered twice. */
type Duplicate = (found: MdevParent) => MdevParent | Null;

/**
 * @param init what is new in the parent in later kernels
 * @param duplicate v4.10 goes to its error path with the parent that it has found, and puts that one there
 */
export function* mdev_register_device(
  mdev: Mdev,
  pools: Pools,
  createFiles = parent_create_sysfs_files,
  duplicate: Duplicate = (found) => found,
): Operation<number> {
  const { mdev_core, vendor, dev } = mdev;
  yield* get_device(dev);
  yield* mutex_lock(mdev_core.parent_list_lock);

  const found = yield* __find_parent_device(mdev);
  if (!isNull(found)) {
    const parent = duplicate(found);
    yield* mutex_unlock(mdev_core.parent_list_lock);
    if (isNull(parent)) yield* put_device(dev, releaseDevice(dev));
    else yield* mdev_put_parent(parent);
    return -EEXIST;
  }

  const parent = yield* kzalloc(pools.mdev_parent);
  yield* kref_init(parent.ref);
  yield* store(parent.dev, dev);
  yield* store(parent.ops, vendor.ops);
  yield* createFiles(mdev, parent, pools);
  yield* list_add(parent.next, mdev_core.parent_list);
  yield* mutex_unlock(mdev_core.parent_list_lock);
  return 0;
}

/**
 * @param removes mdev_device_remove_cb(): the walk ends with the first child for which it does not return 0
 * @param release mdev_device_release()
 */
export function* unregisterDevice<D extends MdevDevice>(
  mdev: Mdev,
  removes: (child: D) => Operation<number>,
  release: (child: D) => Operation,
): Operation {
  const { mdev_core, dev } = mdev;
  yield* mutex_lock(mdev_core.parent_list_lock);
  const parent = yield* __find_parent_device(mdev);
  if (isNull(parent)) {
    yield* mutex_unlock(mdev_core.parent_list_lock);
    return;
  }
  yield* list_del(parent.next, mdev_core.parent_list);
  yield* device_for_each_child<D>(dev, release, removes);
  yield* parent_remove_sysfs_files(mdev, parent);
  yield* mutex_unlock(mdev_core.parent_list_lock);
  yield* mdev_put_parent(parent);
}

export const mdev_unregister_device = (mdev: Mdev): Operation =>
  unregisterDevice(mdev, (child) => mdev_device_remove(mdev, child, true), mdev_device_release);

/* ---- devices ---- */

export function* mdev_device_release(mdev: MdevDevice): Operation {
  yield* kfree(mdev);
}

/** As the driver core knows it. */
const busOf = (env: Mdev, mdev: MdevDevice): Bus => ({
  parent: env.dev,
  releaseParent: releaseDevice(env.dev),
  release: () => mdev_device_release(mdev),
  probe: () => mdev_probe(env, mdev),
  remove: () => mdev_remove(env),
  sysfs_remove_dir: () => device_remove_file(env, mdev),
});

function* mdev_device_exist(parent: MdevParent, uuid: string): Operation<boolean> {
  const found = yield* device_find_child<MdevDevice>((yield* load(parent.dev)) as Device, mdev_device_release, function* (child) {
    return (yield* load(child.uuid)) === uuid;
  });
  if (isNull(found)) return false;
  yield* put_device(found, () => mdev_device_release(found));
  return true;
}

export function* mdev_device_create_ops({ vendor }: Mdev, type: MdevType, mdev: MdevDevice): Operation<number> {
  const parent = (yield* load(mdev.parent)) as MdevParent;
  const ops = (yield* load(parent.ops)) as MdevParentOps;
  yield* along(load(ops.create), moves(mdev.vendor, 'created'));
  return yield* vendor.create(type, mdev);
}

/** @param force the parent is unregistered, and nobody asks whether the vendor refuses */
export function* mdev_device_remove_ops({ vendor }: Mdev, mdev: MdevDevice, force: boolean): Operation<number> {
  const parent = (yield* load(mdev.parent)) as MdevParent;
  const ops = (yield* load(parent.ops)) as MdevParentOps;
  yield* along(load(ops.remove), moves(mdev.vendor, 'removed'));
  const ret = yield* vendor.remove(mdev);
  return ret !== 0 && !force ? -EBUSY : 0;
}

export function* mdev_device_create(env: Mdev, type: MdevType, uuid: string, pools: Pools): Operation<number> {
  const parent = yield* mdev_get_parent(yield* load(type.parent));
  if (isNull(parent)) return -EINVAL;
  const { lock } = parent as LockedParent;
  yield* mutex_lock(lock);

  if (yield* mdev_device_exist(parent, uuid)) {
    yield* mutex_unlock(lock);
    yield* mdev_put_parent(parent);
    return -EEXIST;
  }

  const mdev = yield* kzalloc(pools.mdev_device);
  yield* store(mdev.uuid, uuid);
  yield* store(mdev.parent, parent);

  const bus = busOf(env, mdev);
  yield* device_add(mdev, bus);
  const ret = yield* mdev_device_create_ops(env, type, mdev);
  if (ret !== 0) {
    yield* device_unregister(mdev, bus);
    yield* mutex_unlock(lock);
    yield* mdev_put_parent(parent);
    return ret;
  }
  yield* mdev_create_sysfs_files(env, mdev, type, pools.kernfs_node);
  yield* store(mdev.type_kobj, type);
  yield* mutex_unlock(lock);
  return 0;
}

export function* mdev_device_remove(env: Mdev, mdev: MdevDevice, force: boolean): Operation<number> {
  const type = (yield* load(mdev.type_kobj)) as MdevType;
  const parent = (yield* load(mdev.parent)) as MdevParent;
  const { lock } = parent as LockedParent;
  yield* mutex_lock(lock);

  const ret = yield* mdev_device_remove_ops(env, mdev, force);
  if (ret !== 0) {
    yield* mutex_unlock(lock);
    return ret;
  }
  yield* mdev_remove_sysfs_files(env, mdev, type);
  yield* device_unregister(mdev, busOf(env, mdev));
  yield* mutex_unlock(lock);
  yield* mdev_put_parent(parent);
  return ret;
}

/* ---- from user space ---- */

/** `echo UUID > create` */
export const create = (env: Mdev, uuid: string, pools: Pools): Operation<number> =>
  create_store(env, (type) => mdev_device_create(env, type, uuid, pools));

/** `echo 1 > remove` */
export const remove = (env: Mdev, uuid: string, pools: Pick<Pools, 'kernfs_node'>): Operation<number> =>
  remove_store(env, uuid, (mdev) => mdev_device_remove(env, mdev, false), pools.kernfs_node);
