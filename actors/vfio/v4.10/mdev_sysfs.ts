/**
 * drivers/vfio/mdev/mdev_sysfs.c, v4.10: the types of a parent with their `create`, and the `remove` of a device. The order
 * in which a device's files are created was read in v4.14.
 *
 * A parent has one type here. Left out: what user space writes, which is a UUID or 1; the links between a device and
 * its type, beyond the look at the type that is needed to make and remove them; vendor attributes; allocations that fail.
 */
import type { MdevDevice, MdevParent, MdevType } from '../../../machines/vfio/v4.10/index.ts';
import { echo, type KernfsNode, sysfs_create_file, sysfs_remove_file, sysfs_remove_file_self } from '../../driver-core/kernfs.ts';
import { kfree, kzalloc, type Operation } from '../../step.ts';
import { kref_put } from '../../sync/kref.ts';
import { list_add, list_del, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import type { Mdev, Pools } from './mdev_ops.ts';

type Files = Pick<Mdev, 'sysfs'>;
type ParentFiles = Pick<Mdev, 'sysfs' | 'name'>;

export const createFile = (parent: string): string => `${parent}/mdev_supported_types/create`;
export const removeFile = (uuid: string): string => `${uuid}/remove`;

/* ---- types ---- */

export function* add_mdev_supported_type({ sysfs, name }: ParentFiles, parent: MdevParent, pools: Pools): Operation<number> {
  const type = yield* kzalloc(pools.mdev_type);
  yield* sysfs_create_file(sysfs.files, createFile(name), type, pools.kernfs_node);
  yield* store(type.devices_kobj, true);
  yield* store(type.parent, parent);
  yield* list_add(type.next, parent.type_list);
  return 0;
}

export function* remove_mdev_supported_type({ sysfs, name }: ParentFiles, type: MdevType): Operation {
  yield* sysfs_remove_file(sysfs.files, createFile(name));
  yield* kref_put(type.kobj, () => kfree(type));
}

export function* parent_create_sysfs_files(mdev: ParentFiles, parent: MdevParent, pools: Pools): Operation<number> {
  return yield* add_mdev_supported_type(mdev, parent, pools);
}

export function* parent_remove_sysfs_files(mdev: ParentFiles, parent: MdevParent): Operation {
  yield* list_for_each_entry_safe<MdevType, void>(parent.type_list, 'next', function* (type) {
    yield* list_del(type.next, parent.type_list);
    yield* remove_mdev_supported_type(mdev, type);
  });
}

/* ---- devices ---- */

type Create = (type: MdevType) => Operation<number>;

/** `echo UUID > create`, by way of mdev_type_attr_store(), which looks for the parent's device. */
export const create_store = (files: ParentFiles, create: Create): Operation<number> =>
  echo(files.sysfs.files, createFile(files.name), function* create_store(node: KernfsNode) {
    const type = (yield* load(node.priv)) as MdevType;
    const owner = (yield* load(type.parent)) as MdevParent;
    yield* load(owner.dev);
    return yield* create(type);
  });

/** `echo 1 > remove`. Where the removal is refused, the file is created anew. */
export const remove_store = <D extends MdevDevice>(
  files: Files,
  uuid: string,
  remove: (mdev: D) => Operation<number>,
  node: KernfsNode,
): Operation<number> =>
  echo(files.sysfs.files, removeFile(uuid), function* remove_store(own: KernfsNode) {
    const mdev = (yield* load(own.priv)) as D;
    if (!(yield* sysfs_remove_file_self(files.sysfs.files, removeFile(uuid), own))) return 0;
    const ret = yield* remove(mdev);
    if (ret !== 0) yield* device_create_file(files, mdev, node);
    return ret;
  });

export function* device_create_file({ sysfs }: Files, mdev: MdevDevice, node: KernfsNode): Operation<number> {
  return yield* sysfs_create_file(sysfs.files, removeFile(yield* load(mdev.uuid)), mdev, node);
}

export function* device_remove_file({ sysfs }: Files, mdev: MdevDevice): Operation {
  yield* sysfs_remove_file(sysfs.files, removeFile(yield* load(mdev.uuid)));
}

/** sysfs_create_link() and sysfs_remove_link(), for which the directory of the type is needed. */
export const link = (type: MdevType): Operation<boolean> => load(type.devices_kobj);

export function* mdev_create_sysfs_files(files: Files, mdev: MdevDevice, type: MdevType, node: KernfsNode): Operation<number> {
  yield* device_create_file(files, mdev, node);
  yield* link(type);
  return 0;
}

export function* mdev_remove_sysfs_files(files: Files, mdev: MdevDevice, type: MdevType): Operation {
  yield* link(type);
  yield* device_remove_file(files, mdev);
}
