/**
 * mdev_device_remove() of v5.10 as it could be: whether the parent is about to go is asked while the device is known to be on
 * the list, and so to hold its parent.
 */
import { isNull } from '../../../actors/driver-core/pointer.ts';
import type { Operation } from '../../../actors/step.ts';
import { list_for_each_entry } from '../../../actors/sync/list.ts';
import { load, store } from '../../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../../actors/sync/mutex.ts';
import { down_read_trylock, up_read } from '../../../actors/sync/rwsem.ts';
import type { Mdev } from '../../../actors/vfio/v4.19/mdev_ops.ts';
import { mdev_device_remove_common } from '../../../actors/vfio/v5.10/mdev_core.ts';
import { remove_store } from '../../../actors/vfio/v5.10/mdev_sysfs.ts';
import { EAGAIN, ENODEV } from '../../../actors/vfio/errno.ts';
import type { MdevDevice } from '../../../machines/vfio/v4.19/mdev.ts';
import type { MdevParent } from '../../../machines/vfio/v5.10/mdev.ts';
import { call } from '../../../src/index.ts';
import { mtty5_10 } from './mtty.ts';

/** @returns the parent, with unreg_sem held, or a negative errno */
function* claim({ mdev_core }: Mdev, mdev: MdevDevice): Operation<MdevParent | number> {
  const found = yield* list_for_each_entry<MdevDevice, true | undefined>(mdev_core.mdev_list, 'next', function* (tmp) {
    return tmp === mdev ? true : undefined;
  });
  if (found !== true) return -ENODEV;
  if (!(yield* load(mdev.active))) return -EAGAIN;
  const parent = (yield* load(mdev.parent)) as MdevParent;
  if (isNull(parent) || !(yield* down_read_trylock(parent.unreg_sem))) return -ENODEV;
  yield* store(mdev.active, false);
  return parent;
}

function* mdev_device_remove(env: Mdev, mdev: MdevDevice): Operation<number> {
  yield* mutex_lock(env.mdev_core.mdev_list_lock);
  const parent = yield* claim(env, mdev);
  yield* mutex_unlock(env.mdev_core.mdev_list_lock);
  if (typeof parent === 'number') return parent;
  yield* mdev_device_remove_common(env, mdev);
  yield* up_read(parent.unreg_sem);
  return 0;
}

function* echo_remove(env: Mdev, uuid: string): Operation<number> {
  return yield* remove_store<MdevDevice>(env, uuid, (mdev) => mdev_device_remove(env, mdev));
}

/** `echo 1 > remove` */
export const remove = (objects: Parameters<typeof mtty5_10.env>[0], uuid: string) =>
  call(echo_remove, mtty5_10.env(objects), uuid);
