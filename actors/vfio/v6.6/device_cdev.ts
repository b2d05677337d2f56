/**
 * drivers/vfio/device_cdev.c, v6.6: a device as a character device of its own, blocked until it is bound to an iommufd.
 *
 * Left out: KVM; copies from and to user space that fail; a descriptor that is no iommufd, which is -EBADFD; the error
 * pointer that df->iommufd is for a moment then, under the lock.
 */
import { NULL, type Null } from '../../../machines/object.ts';
import type { IommufdCtx, IommufdHwPagetable, Vfio, VfioDevice, VfioDeviceFile } from '../../../machines/vfio/v6.6/index.ts';
import { iommufd_ctx_from_fd, iommufd_ctx_put } from '../../driver-core/iommufd_device.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EBADF, EINVAL, ENODEV } from '../errno.ts';
import { containerPath, vfio_device_block_group, vfio_device_unblock_group } from './group.ts';
import {
  vfio_df_iommufd_bind,
  vfio_df_iommufd_unbind,
  vfio_iommufd_physical_attach_ioas,
  vfio_iommufd_physical_detach_ioas,
} from './iommufd.ts';
import { type Pools, vfio_device_ops, type VfioDeviceOps, type VfioIommuDriverOps } from './ops.ts';
import {
  type DmaPath,
  grantAccess,
  vfio_allocate_device_file,
  vfio_device_try_get_registration,
  vfio_df_close,
  vfio_df_open,
} from './vfio_df.ts';

/** The open of the driver: chrdev_open() has pinned the device. See openDevice in vfio_main.ts for both. */
export function* vfio_device_fops_cdev_open(_vfio: Vfio, device: VfioDevice, pools: Pools): Operation<VfioDeviceFile | number> {
  if (!(yield* vfio_device_try_get_registration(device))) return -ENODEV;
  return yield* vfio_allocate_device_file(device, pools);
}

/** One owner of a device at a time: there is no container that several files could share. */
const iommufdPath = (device: VfioDevice, ictx: IommufdCtx): DmaPath => ({
  isShared: false,
  use: () => vfio_df_iommufd_bind(device, ictx),
  unuse: () => vfio_df_iommufd_unbind(device),
});

/**
 * VFIO_DEVICE_BIND_IOMMUFD
 * @param iommufd the context that the descriptor stands for, NULL where it stands for none
 */
export function* vfio_df_ioctl_bind_iommufd(
  _vfio: Vfio,
  df: VfioDeviceFile,
  iommufd: IommufdCtx | Null,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> {
  const device = yield* follow(df.device);
  if (!isNull(yield* load(df.group))) return -EINVAL;
  let ret = yield* vfio_device_block_group(device);
  if (ret !== 0) return ret;

  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  if (yield* load(df.access_granted)) ret = -EINVAL;
  else {
    const ctx = yield* iommufd_ctx_from_fd(iommufd);
    ret = isNull(ctx) ? -EBADF : yield* bindTo(df, device, ctx, ops);
  }
  yield* mutex_unlock(dev_set.lock);
  if (ret !== 0) yield* vfio_device_unblock_group(device);
  return ret;
}

function* bindTo(df: VfioDeviceFile, device: VfioDevice, ictx: IommufdCtx, ops: VfioDeviceOps): Operation<number> {
  yield* store(df.iommufd, ictx);
  const ret = yield* vfio_df_open(device, iommufdPath(device, ictx), ops);
  if (ret !== 0) {
    yield* iommufd_ctx_put(ictx);
    yield* store(df.iommufd, NULL);
    return ret;
  }
  yield* store(device.cdev_opened, true);
  yield* grantAccess(df);
  return 0;
}

/**
 * At the release of the file, when nobody else has it: so the flag is read without the lock. What it is unbound from C
 * takes from df->iommufd, and were that NULL it would be the container.
 */
export function* vfio_df_unbind_iommufd(
  vfio: Vfio,
  df: VfioDeviceFile,
  device: VfioDevice,
  ops: VfioDeviceOps,
  backend: VfioIommuDriverOps,
): Operation {
  if (!(yield* load(df.access_granted))) return;
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  const ictx = yield* load(df.iommufd);
  const path = isNull(ictx) ? containerPath(vfio, device, yield* follow(device.group), backend) : iommufdPath(device, ictx);
  yield* vfio_df_close(device, path, ops);
  yield* iommufd_ctx_put(ictx as IommufdCtx);
  yield* store(device.cdev_opened, false);
  yield* mutex_unlock(dev_set.lock);
  yield* vfio_device_unblock_group(device);
}

export function* vfio_df_ioctl_attach_pt(df: VfioDeviceFile, pt: IommufdHwPagetable): Operation<number> {
  const device = yield* follow(df.device);
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  const ret = yield* vfio_iommufd_physical_attach_ioas(device, pt);
  yield* mutex_unlock(dev_set.lock);
  return ret;
}

export function* vfio_df_ioctl_detach_pt(df: VfioDeviceFile): Operation<number> {
  const device = yield* follow(df.device);
  const dev_set = yield* follow(device.dev_set);
  yield* mutex_lock(dev_set.lock);
  yield* vfio_iommufd_physical_detach_ioas(device);
  yield* mutex_unlock(dev_set.lock);
  return 0;
}
