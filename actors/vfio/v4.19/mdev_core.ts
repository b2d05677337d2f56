/**
 * drivers/vfio/mdev/mdev_core.c, v4.19 (read at v4.19.71): devices of all parents on one list. Nothing is held over create
 * or remove: who removes a device is decided once, by its `active`, under the lock of the list.
 *
 * Stable kernels from v4.19.191 at the latest have two fixes of v5.2 in it: a duplicate parent leaves the first alone, and
 * the walk over the children does not end with one that is being removed.
 *
 * Left out as for v4.10.
 */
import { EAGAIN, EEXIST } from '../../../machines/sync/errno.ts';
import type { MdevParent, MdevType } from '../../../machines/vfio/v4.10/index.ts';
import type { MdevDevice } from '../../../machines/vfio/v4.19/mdev.ts';
import { type Bus, device_add, device_unregister } from '../../driver-core/bus.ts';
import { isNull } from '../../driver-core/pointer.ts';
import { kfree, kzalloc, type Operation } from '../../step.ts';
import { list_add, list_del, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import {
  mdev_device_create_ops,
  mdev_device_remove_ops,
  mdev_get_parent,
  mdev_put_parent,
  releaseDevice,
  unregisterDevice,
} from '../v4.10/mdev_core.ts';
import { create_store, device_remove_file, remove_store } from '../v4.10/mdev_sysfs.ts';
import { mdev_probe, mdev_remove } from '../v4.10/vfio_mdev.ts';
import { mdev_create_sysfs_files, mdev_remove_sysfs_files } from './mdev_sysfs.ts';
import type { Mdev, MdevPools } from './mdev_ops.ts';

export const mdev_unregister_device = (env: Mdev): Operation =>
  unregisterDevice<MdevDevice>(
    env,
    (child) => mdev_device_remove(env, child, true),
    (child) => mdev_device_release(env, child),
  );

export function* mdev_device_release({ mdev_core }: Mdev, mdev: MdevDevice): Operation {
  yield* mutex_lock(mdev_core.mdev_list_lock);
  yield* list_del(mdev.next, mdev_core.mdev_list);
  yield* mutex_unlock(mdev_core.mdev_list_lock);
  yield* kfree(mdev);
}

/** As the driver core knows it. */
export const busOf = (env: Mdev, mdev: MdevDevice): Bus => ({
  parent: env.dev,
  releaseParent: releaseDevice(env.dev),
  release: () => mdev_device_release(env, mdev),
  probe: () => mdev_probe(env, mdev),
  remove: () => mdev_remove(env),
  sysfs_remove_dir: () => device_remove_file(env, mdev),
});

/** Under the lock of the list, on which the device is from then on. @returns -EEXIST where its UUID is taken */
export function* listDevice({ mdev_core }: Mdev, uuid: string, memory: MdevDevice): Operation<MdevDevice | number> {
  yield* mutex_lock(mdev_core.mdev_list_lock);
  const found = yield* list_for_each_entry<MdevDevice, true | undefined>(mdev_core.mdev_list, 'next', function* (tmp) {
    return (yield* load(tmp.uuid)) === uuid ? true : undefined;
  });
  if (found === true) {
    yield* mutex_unlock(mdev_core.mdev_list_lock);
    return -EEXIST;
  }
  const mdev = yield* kzalloc(memory);
  yield* store(mdev.uuid, uuid);
  yield* list_add(mdev.next, mdev_core.mdev_list);
  yield* mutex_unlock(mdev_core.mdev_list_lock);
  return mdev;
}

export function* mdev_device_create(env: Mdev, type: MdevType, uuid: string, pools: MdevPools): Operation<number> {
  const parent = yield* mdev_get_parent(yield* load(type.parent));
  if (isNull(parent)) return -EINVAL;

  const mdev = yield* listDevice(env, uuid, pools.mdev_device);
  if (typeof mdev === 'number') {
    yield* mdev_put_parent(parent);
    return mdev;
  }
  yield* store(mdev.parent, parent);

  const bus = busOf(env, mdev);
  yield* device_add(mdev, bus);
  const ret = yield* mdev_device_create_ops(env, type, mdev);
  if (ret !== 0) {
    yield* device_unregister(mdev, bus);
    yield* mdev_put_parent(parent);
    return ret;
  }
  yield* mdev_create_sysfs_files(env, mdev, type, pools.kernfs_node);
  yield* store(mdev.type_kobj, type);
  yield* store(mdev.active, true);
  return 0;
}

/** Whether it is still there is asked by its address alone. @returns 0: whoever calls is the one who removes it */
export function* claimRemoval({ mdev_core }: Mdev, mdev: MdevDevice): Operation<number> {
  yield* mutex_lock(mdev_core.mdev_list_lock);
  const found = yield* list_for_each_entry<MdevDevice, true | undefined>(mdev_core.mdev_list, 'next', function* (tmp) {
    return tmp === mdev ? true : undefined;
  });
  if (found !== true) {
    yield* mutex_unlock(mdev_core.mdev_list_lock);
    return -ENODEV;
  }
  if (!(yield* load(mdev.active))) {
    yield* mutex_unlock(mdev_core.mdev_list_lock);
    return -EAGAIN;
  }
  yield* store(mdev.active, false);
  yield* mutex_unlock(mdev_core.mdev_list_lock);
  return 0;
}

export function* mdev_device_remove(env: Mdev, mdev: MdevDevice, force: boolean): Operation<number> {
  const claimed = yield* claimRemoval(env, mdev);
  if (claimed !== 0) return claimed;

  const type = (yield* load(mdev.type_kobj)) as MdevType;
  const parent = (yield* load(mdev.parent)) as MdevParent;

  const ret = yield* mdev_device_remove_ops(env, mdev, force);
  if (ret !== 0) {
    yield* store(mdev.active, true);
    return ret;
  }
  yield* mdev_remove_sysfs_files(env, mdev, type);
  yield* device_unregister(mdev, busOf(env, mdev));
  yield* mdev_put_parent(parent);
  return 0;
}

/** `echo UUID > create` */
export const create = (env: Mdev, uuid: string, pools: MdevPools): Operation<number> =>
  create_store(env, (type) => mdev_device_create(env, type, uuid, pools));

/** `echo 1 > remove` */
export const remove = (env: Mdev, uuid: string, pools: Pick<MdevPools, 'kernfs_node'>): Operation<number> =>
  remove_store<MdevDevice>(env, uuid, (mdev) => mdev_device_remove(env, mdev, false), pools.kernfs_node);
