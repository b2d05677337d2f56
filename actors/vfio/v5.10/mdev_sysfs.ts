/**
 * drivers/vfio/mdev/mdev_sysfs.c, v5.10: a type has its parent before anybody can see it, and a `remove` that was refused is
 * not there again.
 */
import type { MdevDevice, MdevParent } from '../../../machines/vfio/v4.10/index.ts';
import { echo, sysfs_create_file, sysfs_remove_file_self } from '../../driver-core/kernfs.ts';
import { kzalloc, type Operation } from '../../step.ts';
import { list_add } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { createFile, removeFile } from '../v4.10/mdev_sysfs.ts';
import type { Mdev, Pools } from '../v4.10/mdev_ops.ts';

export function* add_mdev_supported_type(
  { sysfs, name }: Pick<Mdev, 'sysfs' | 'name'>,
  parent: MdevParent,
  pools: Pools,
): Operation<number> {
  const type = yield* kzalloc(pools.mdev_type);
  yield* store(type.parent, parent);
  yield* sysfs_create_file(sysfs.files, createFile(name), type, pools.kernfs_node);
  yield* store(type.devices_kobj, true);
  yield* list_add(type.next, parent.type_list);
  return 0;
}

/** `echo 1 > remove` */
export const remove_store = <D extends MdevDevice>(
  { sysfs }: Pick<Mdev, 'sysfs'>,
  uuid: string,
  remove: (mdev: D) => Operation<number>,
): Operation<number> =>
  echo(sysfs.files, removeFile(uuid), function* remove_store(node) {
    const mdev = (yield* load(node.priv)) as D;
    return (yield* sysfs_remove_file_self(sysfs.files, removeFile(uuid), node)) ? yield* remove(mdev) : 0;
  });
