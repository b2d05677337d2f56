/**
 * drivers/vfio/mdev/mdev_core.c, v5.10, as since v5.2-rc5: the vendor creates its half before the device can be opened, and
 * removes it when nobody has it open any more; whoever creates or removes a device holds unreg_sem for reading, and gives
 * up where the parent is about to go.
 *
 * Left out as for v4.10; that a failed remove of the vendor is printed.
 */
import { NULL } from '../../../machines/object.ts';
import type { MdevParentOps, MdevType } from '../../../machines/vfio/v4.10/index.ts';
import type { MdevDevice } from '../../../machines/vfio/v4.19/mdev.ts';
import type { MdevParent } from '../../../machines/vfio/v5.10/mdev.ts';
import { device_add, device_del, device_for_each_child } from '../../driver-core/bus.ts';
import { put_device } from '../../driver-core/core.ts';
import { isNull } from '../../driver-core/pointer.ts';
import { along, moves, type Operation } from '../../step.ts';
import { list_del } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_read_trylock, down_write, up_read, up_write } from '../../sync/rwsem.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import * as v4_10 from '../v4.10/mdev_core.ts';
import { create_store, parent_remove_sysfs_files } from '../v4.10/mdev_sysfs.ts';
import { busOf, claimRemoval, listDevice, mdev_device_release } from '../v4.19/mdev_core.ts';
import { mdev_create_sysfs_files, mdev_remove_sysfs_files } from '../v4.19/mdev_sysfs.ts';
import type { Mdev, MdevPools } from '../v4.19/mdev_ops.ts';
import { add_mdev_supported_type, remove_store } from './mdev_sysfs.ts';

const { __find_parent_device, mdev_get_parent, mdev_put_parent } = v4_10;

/** A duplicate is refused, and the one that is there left alone. */
export const mdev_register_device = (env: Mdev, pools: MdevPools): Operation<number> =>
  v4_10.mdev_register_device(env, pools, add_mdev_supported_type, () => NULL);

/** For whoever holds unreg_sem, in either way. */
export function* mdev_device_remove_common(env: Mdev, mdev: MdevDevice): Operation {
  const type = (yield* load(mdev.type_kobj)) as MdevType;
  yield* mdev_remove_sysfs_files(env, mdev, type);
  yield* device_del(mdev, busOf(env, mdev));
  const parent = (yield* load(mdev.parent)) as MdevParent;
  const ops = (yield* load(parent.ops)) as MdevParentOps;
  yield* along(load(ops.remove), moves(mdev.vendor, 'removed'));
  yield* env.vendor.remove(mdev);
  yield* put_device(mdev, () => mdev_device_release(env, mdev));
  yield* mdev_put_parent(parent);
}

export function* mdev_unregister_device(env: Mdev): Operation {
  const { mdev_core, dev } = env;
  yield* mutex_lock(mdev_core.parent_list_lock);
  const parent = (yield* __find_parent_device(env)) as MdevParent | typeof NULL;
  if (isNull(parent)) {
    yield* mutex_unlock(mdev_core.parent_list_lock);
    return;
  }
  yield* list_del(parent.next, mdev_core.parent_list);
  yield* mutex_unlock(mdev_core.parent_list_lock);

  yield* down_write(parent.unreg_sem);
  yield* device_for_each_child<MdevDevice>(
    dev,
    (child) => mdev_device_release(env, child),
    function* mdev_device_remove_cb(child) {
      yield* mdev_device_remove_common(env, child);
      return 0;
    },
  );
  yield* parent_remove_sysfs_files(env, parent);
  yield* up_write(parent.unreg_sem);

  yield* mdev_put_parent(parent);
}

export function* mdev_device_create(env: Mdev, type: MdevType, uuid: string, pools: MdevPools): Operation<number> {
  const parent = (yield* mdev_get_parent(yield* load(type.parent))) as MdevParent | typeof NULL;
  if (isNull(parent)) return -EINVAL;

  const mdev = yield* listDevice(env, uuid, pools.mdev_device);
  if (typeof mdev === 'number') {
    yield* mdev_put_parent(parent);
    return mdev;
  }
  yield* store(mdev.parent, parent);

  if (!(yield* down_read_trylock(parent.unreg_sem))) {
    yield* mdev_device_release(env, mdev);
    yield* mdev_put_parent(parent);
    return -ENODEV;
  }
  yield* store(mdev.type_kobj, type);

  const ops = (yield* load(parent.ops)) as MdevParentOps;
  yield* along(load(ops.create), moves(mdev.vendor, 'created'));
  const ret = yield* env.vendor.create(type, mdev);
  if (ret !== 0) {
    yield* up_read(parent.unreg_sem);
    yield* put_device(mdev, () => mdev_device_release(env, mdev));
    yield* mdev_put_parent(parent);
    return ret;
  }
  yield* device_add(mdev, busOf(env, mdev));
  yield* mdev_create_sysfs_files(env, mdev, type, pools.kernfs_node);
  yield* store(mdev.active, true);
  yield* up_read(parent.unreg_sem);
  return 0;
}

export function* mdev_device_remove(env: Mdev, mdev: MdevDevice): Operation<number> {
  const claimed = yield* claimRemoval(env, mdev);
  if (claimed !== 0) return claimed;

  const parent = (yield* load(mdev.parent)) as MdevParent;
  if (!(yield* down_read_trylock(parent.unreg_sem))) return -ENODEV;
  yield* mdev_device_remove_common(env, mdev);
  yield* up_read(parent.unreg_sem);
  return 0;
}

/** `echo UUID > create` */
export const create = (env: Mdev, uuid: string, pools: MdevPools): Operation<number> =>
  create_store(env, (type) => mdev_device_create(env, type, uuid, pools));

/** `echo 1 > remove` */
export const remove = (env: Mdev, uuid: string): Operation<number> =>
  remove_store<MdevDevice>(env, uuid, (mdev) => mdev_device_remove(env, mdev));
