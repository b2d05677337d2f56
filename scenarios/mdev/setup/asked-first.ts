/** remove_store() of v5.10 as it could be: a device that is not active keeps its file. */
import { echo, sysfs_remove_file_self } from '../../../actors/driver-core/kernfs.ts';
import type { Operation } from '../../../actors/step.ts';
import { load } from '../../../actors/sync/memory.ts';
import { removeFile } from '../../../actors/vfio/v4.10/index.ts';
import type { Mdev } from '../../../actors/vfio/v4.19/mdev_ops.ts';
import { mdev_device_remove } from '../../../actors/vfio/v5.10/mdev_core.ts';
import { EAGAIN } from '../../../actors/vfio/errno.ts';
import type { MdevDevice } from '../../../machines/vfio/v4.19/mdev.ts';
import { call } from '../../../src/index.ts';
import { mtty5_10 } from './mtty.ts';

function* echo_remove(env: Mdev, uuid: string): Operation<number> {
  const { files } = env.sysfs;
  return yield* echo(files, removeFile(uuid), function* remove_store(node) {
    const mdev = (yield* load(node.priv)) as MdevDevice;
    if (!(yield* load(mdev.active))) return -EAGAIN;
    return (yield* sysfs_remove_file_self(files, removeFile(uuid), node)) ? yield* mdev_device_remove(env, mdev) : 0;
  });
}

/** `echo 1 > remove` */
export const remove = (objects: Parameters<typeof mtty5_10.env>[0], uuid: string) =>
  call(echo_remove, mtty5_10.env(objects), uuid);
