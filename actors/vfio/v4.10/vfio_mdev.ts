/**
 * What stands between user space and an mdev, v4.10 to v5.10: drivers/vfio/mdev/vfio_mdev.c, the bus in mdev_driver.c, and
 * of drivers/vfio/vfio.c what the life of the device depends on.
 *
 * Left out: the IOMMU group that each mdev gets for itself, and the container, without which user space gets no descriptor:
 * that vfio_del_group_dev() waits for the group to leave it, too, makes a removal longer, and nothing else. What a vendor has
 * no function for. To find the device in its group and to get it is one step, under device_lock of the group.
 */
import type { MdevDevice, MdevParent, MdevParentOps, VfioDevice } from '../../../machines/vfio/v4.10/index.ts';
import { again, along, loop, moves, type Operation } from '../../step.ts';
import { complete, reinit_completion, wait_for_completion_interruptible_timeout } from '../../sync/completion.ts';
import { kref_get_unless_zero, kref_init, kref_put } from '../../sync/kref.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { ENODEV } from '../errno.ts';
import type { Mdev } from './mdev_ops.ts';

export type Env = Pick<Mdev, 'vfio_mdev' | 'vendor' | 'vdev'>;

/* ---- vfio_mdev.c ---- */

function* callback(mdev: MdevDevice, parent: MdevParent, name: 'open' | 'release' | 'read'): Operation {
  const ops = (yield* load(parent.ops)) as MdevParentOps;
  yield* along(load(ops[name]), moves(mdev.vendor, 'called'));
}

function* vfio_mdev_open({ vfio_mdev, vendor }: Env, mdev: MdevDevice): Operation<number> {
  const parent = (yield* load(mdev.parent)) as MdevParent;
  if (!(yield* try_module_get(vfio_mdev.owner))) return -ENODEV;
  yield* callback(mdev, parent, 'open');
  const ret = yield* vendor.open(mdev);
  if (ret !== 0) yield* module_put(vfio_mdev.owner);
  return ret;
}

function* vfio_mdev_release({ vfio_mdev, vendor }: Env, mdev: MdevDevice): Operation {
  yield* callback(mdev, (yield* load(mdev.parent)) as MdevParent, 'release');
  yield* vendor.release(mdev);
  yield* module_put(vfio_mdev.owner);
}

function* vfio_mdev_read({ vendor }: Env, mdev: MdevDevice): Operation<number> {
  yield* callback(mdev, (yield* load(mdev.parent)) as MdevParent, 'read');
  return yield* vendor.read(mdev);
}

/* ---- vfio.c ---- */

function* vfio_device_put(vdev: VfioDevice): Operation {
  yield* kref_put(vdev.kref, () => complete(vdev.released));
}

function* vfio_add_group_dev(vdev: VfioDevice, mdev: MdevDevice): Operation<number> {
  yield* reinit_completion(vdev.released);
  yield* store(vdev.device_data, mdev);
  yield* kref_init(vdev.kref);
  return 0;
}

/** It waits in slices of ten seconds, of which a signal ends one, until no user has the device open. */
function* vfio_del_group_dev(vdev: VfioDevice): Operation {
  yield* vfio_device_put(vdev);
  yield* loop(null, function* () {
    const left = yield* wait_for_completion_interruptible_timeout(vdev.released);
    return left > 0 ? undefined : again(null);
  });
}

/** VFIO_GROUP_GET_DEVICE_FD. @returns 0 for a descriptor */
export function* vfio_group_get_device_fd(env: Env): Operation<number> {
  const { vdev } = env;
  if (!(yield* kref_get_unless_zero(vdev.kref))) return -ENODEV;
  const ret = yield* vfio_mdev_open(env, (yield* load(vdev.device_data)) as MdevDevice);
  if (ret !== 0) yield* vfio_device_put(vdev);
  return ret;
}

/** read() on the descriptor. */
export function* vfio_device_fops_read(env: Env): Operation<number> {
  return yield* vfio_mdev_read(env, (yield* load(env.vdev.device_data)) as MdevDevice);
}

/** close() of the descriptor. */
export function* vfio_device_fops_release(env: Env): Operation<number> {
  yield* vfio_mdev_release(env, (yield* load(env.vdev.device_data)) as MdevDevice);
  yield* vfio_device_put(env.vdev);
  return 0;
}

/* ---- mdev_driver.c, and the driver vfio_mdev ---- */

export const mdev_probe = ({ vdev }: Env, mdev: MdevDevice): Operation<number> => vfio_add_group_dev(vdev, mdev);
export const mdev_remove = ({ vdev }: Env): Operation => vfio_del_group_dev(vdev);
