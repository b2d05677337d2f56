/** drivers/vfio/mdev/mdev_sysfs.c, v4.19: `remove` is the last file that comes and the first that goes. */
import type { MdevDevice, MdevType } from '../../../machines/vfio/v4.10/index.ts';
import type { KernfsNode } from '../../driver-core/kernfs.ts';
import type { Operation } from '../../step.ts';
import { device_create_file, device_remove_file, link } from '../v4.10/mdev_sysfs.ts';
import type { Mdev } from '../v4.10/mdev_ops.ts';

type Files = Pick<Mdev, 'sysfs'>;

export function* mdev_create_sysfs_files(files: Files, mdev: MdevDevice, type: MdevType, node: KernfsNode): Operation<number> {
  yield* link(type);
  yield* device_create_file(files, mdev, node);
  return 0;
}

export function* mdev_remove_sysfs_files(files: Files, mdev: MdevDevice, type: MdevType): Operation {
  yield* device_remove_file(files, mdev);
  yield* link(type);
}
