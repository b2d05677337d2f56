/** Designs beside that of v6.6: what its functions are with a line taken away, weakened or moved. */
import { along, moves, type Operation } from '../../../actors/step.ts';
import { load, store } from '../../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../../actors/sync/mutex.ts';
import { refcount_inc } from '../../../actors/sync/refcount.ts';
import { chrdev_open, open_found_cdev } from '../../../actors/driver-core/char_dev.ts';
import { iommufd_ctx_from_fd, iommufd_ctx_put } from '../../../actors/driver-core/iommufd_device.ts';
import { follow, isNull } from '../../../actors/driver-core/pointer.ts';
import { EBADF, EINVAL } from '../../../actors/vfio/errno.ts';
import { vfio_device_block_group, vfio_device_unblock_group } from '../../../actors/vfio/v6.6/group.ts';
import { grantAccess, vfio_allocate_device_file, vfio_df_open } from '../../../actors/vfio/v6.6/vfio_df.ts';
import type * as v6_6 from '../../../actors/vfio/v6.6/index.ts';
import { vfio_df_iommufd_bind, vfio_df_iommufd_unbind } from '../../../actors/vfio/v6.6/iommufd.ts';
import { NULL } from '../../../machines/object.ts';
import type * as merged from '../../../machines/vfio/v6.6/index.ts';

/** What is different. */
interface Undone {
  /** `df->access_granted = true`, or smp_store_release(): after the open, or, moved up, before it. */
  readonly grants: 'plainly' | 'last' | 'first';
  /** vfio_df_open() does not ask whether the device is open already. */
  readonly isShared: boolean;
}

const grantPlainly = (df: merged.VfioDeviceFile): Operation => along(store(df.access_granted, true), moves(df.chart, 'granted'));

function* bindTo(
  df: merged.VfioDeviceFile,
  device: merged.VfioDevice,
  ictx: merged.IommufdCtx,
  ops: v6_6.VfioDeviceOps,
  { grants, isShared }: Undone,
): Operation<number> {
  yield* store(df.iommufd, ictx);
  if (grants === 'first') yield* grantAccess(df);
  const path = {
    isShared,
    use: () => vfio_df_iommufd_bind(device, ictx),
    unuse: () => vfio_df_iommufd_unbind(device),
  };
  const ret = yield* vfio_df_open(device, path, ops);
  if (ret !== 0) {
    yield* iommufd_ctx_put(ictx);
    yield* store(df.iommufd, NULL);
    return ret;
  }
  yield* store(device.cdev_opened, true);
  if (grants === 'plainly') yield* grantPlainly(df);
  if (grants === 'last') yield* grantAccess(df);
  return 0;
}

export function* vfio_df_ioctl_bind_iommufd(
  df: merged.VfioDeviceFile,
  iommufd: merged.IommufdCtx,
  ops: v6_6.VfioDeviceOps,
  undone: Undone,
): Operation<number> {
  const device = yield* follow(df.device);
  let ret = yield* vfio_device_block_group(device);
  if (ret !== 0) return ret;
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  if (yield* load(df.access_granted)) ret = -EINVAL;
  else {
    const ctx = yield* iommufd_ctx_from_fd(iommufd);
    ret = isNull(ctx) ? -EBADF : yield* bindTo(df, device, ctx, ops, undone);
  }
  yield* mutex_unlock(dev_set.lock);
  if (ret !== 0) yield* vfio_device_unblock_group(device);
  return ret;
}

/** Without smp_load_acquire(). */
export function* vfio_device_fops_read(df: merged.VfioDeviceFile, ops: v6_6.VfioDeviceOps): Operation<number> {
  const device = yield* follow(df.device);
  if (!(yield* load(df.access_granted))) return -EINVAL;
  return yield* ops.read(device);
}

/** The open of a node by refcount_inc() instead of refcount_inc_not_zero(). */
function* vfio_device_fops_cdev_open(device: merged.VfioDevice, pools: v6_6.Pools): Operation<merged.VfioDeviceFile | number> {
  yield* refcount_inc(device.refcount);
  return yield* vfio_allocate_device_file(device, pools);
}

/** The device stays: it is never the last reference that such an open puts. */
function* release(): Operation {}

export const openDevice = (
  vfio: merged.Vfio,
  device: merged.VfioDevice,
  pools: v6_6.Pools,
): Operation<merged.VfioDeviceFile | number> =>
  chrdev_open<merged.VfioDevice, merged.VfioDeviceFile>(
    vfio,
    device,
    () => release,
    (found) => vfio_device_fops_cdev_open(found, pools),
  );

export const openFoundDevice = (
  vfio: merged.Vfio,
  device: merged.VfioDevice,
  pools: v6_6.Pools,
): Operation<merged.VfioDeviceFile | number> =>
  open_found_cdev<merged.VfioDeviceFile>(vfio, device, release, () => vfio_device_fops_cdev_open(device, pools));
