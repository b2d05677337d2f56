/**
 * drivers/vfio/vfio_main.c, v6.6: how a device is allocated, registered, unregistered and let go, and its open files.
 * The half on which the other files stand is vfio_df.ts.
 *
 * A driver allocates the device, which has its number from then on, registers it as the last thing of its probe, and lets
 * it go after its remove has unregistered it. Nothing here asks whether a device is registered twice but the walk of its
 * group's list, which sees those that have come to the end of it; what keeps the second away is the driver core, that
 * does not probe a device that has a driver.
 *
 * Left out: allocations that fail; the xarray by which sets are found; a device for which no set was assigned; the
 * capability of the IOMMU, which does not change; migration and features; runtime power management.
 */
import {
  type Device,
  deviceDevt,
  type IommufdHwPagetable,
  type Vfio,
  type VfioDevice,
  type VfioDeviceFile,
  type VfioDeviceSet,
} from '../../../machines/vfio/v6.6/index.ts';
import {
  cdev_device_add,
  cdev_device_del,
  cdev_init,
  cdev_put,
  chrdev_open,
  open_found_cdev,
} from '../../driver-core/char_dev.ts';
import { put_device } from '../../driver-core/core.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { type Again, again, along, kfree, loop, moves, type Operation } from '../../step.ts';
import {
  try_wait_for_completion,
  wait_for_completion_interruptible_timeout,
  wait_for_completion_timeout,
} from '../../sync/completion.ts';
import { ida_alloc_max, ida_free } from '../../sync/idr.ts';
import { list_add_tail, list_del } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { refcount_set } from '../../sync/refcount.ts';
import { EINVAL } from '../errno.ts';
import {
  vfio_device_fops_cdev_open,
  vfio_df_ioctl_attach_pt,
  vfio_df_ioctl_detach_pt,
  vfio_df_unbind_iommufd,
} from './device_cdev.ts';
import {
  MINORMASK,
  vfio_device_group_register,
  vfio_device_group_unregister,
  vfio_device_remove_group,
  vfio_device_set_group,
  vfio_df_group_close,
} from './group.ts';
import {
  kzallocFrom,
  type Pools,
  vfio_device_ops,
  type VfioDeviceOps,
  vfio_iommu_driver_ops,
  type VfioIommuDriverOps,
} from './ops.ts';
import { isAccessGranted, vfio_device_put_registration } from './vfio_df.ts';

/* ---- allocation and release ---- */

/** From before the registration to the release of the memory: a set has devices that are not, or no more, registered. */
export function* vfio_assign_device_set(_vfio: Vfio, device: VfioDevice, dev_set: VfioDeviceSet): Operation<number> {
  yield* mutex_lock(dev_set.lock);
  yield* store(device.dev_set, dev_set);
  yield* list_add_tail(device.dev_set_list, dev_set.device_list);
  yield* mutex_unlock(dev_set.lock);
  return 0;
}

function* vfio_release_device_set(device: VfioDevice): Operation {
  const dev_set = yield* load(device.dev_set);
  if (isNull(dev_set)) return;
  yield* mutex_lock(dev_set.lock);
  yield* list_del(device.dev_set_list, dev_set.device_list);
  yield* mutex_unlock(dev_set.lock);
}

/** device_initialize() and init_completion() leave a fresh struct as it is here from the beginning. */
export function* _vfio_alloc_device(vfio: Vfio, dev: Device, pools: Pools): Operation<VfioDevice> {
  const device = yield* kzallocFrom(pools, 'vfio_device');
  yield* store(device.index, yield* ida_alloc_max(vfio.device_ida, MINORMASK));
  yield* store(device.dev, dev);
  return device;
}

/** What the last reference to the embedded struct device leads to. Only now may another device have the number. */
function* vfio_device_release(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps): Operation {
  yield* vfio_release_device_set(device);
  yield* ida_free(vfio.device_ida, yield* load(device.index));
  yield* ops.release(device);
  yield* kfree(device);
}

const releaseOf = (vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps) => () => vfio_device_release(vfio, device, ops);

export const vfio_put_device = (vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps = vfio_device_ops): Operation =>
  put_device(device, releaseOf(vfio, device, ops));

/* ---- registration ---- */

/** drivers/vfio/vfio.h, with vfio_init_device_cdev() of device_cdev.c. */
function* vfio_device_add(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps): Operation<number> {
  const devt = deviceDevt(yield* load(device.index));
  yield* cdev_init(vfio, device);
  return yield* cdev_device_add(vfio, device, devt, releaseOf(vfio, device, ops), moves(device.chart, 'added'));
}

/** drivers/vfio/vfio.h. A file that is open stays open, and an open that has found the node may still come through. */
function* vfio_device_del(vfio: Vfio, device: VfioDevice, ops: VfioDeviceOps): Operation {
  yield* cdev_device_del(vfio, device, releaseOf(vfio, device, ops), moves(device.chart, 'hidden'));
}

function* __vfio_register_dev(vfio: Vfio, device: VfioDevice, pools: Pools, ops: VfioDeviceOps): Operation<number> {
  let ret = yield* vfio_device_set_group(vfio, device, pools);
  if (ret !== 0) return ret;
  ret = yield* vfio_device_add(vfio, device, ops);
  if (ret !== 0) {
    yield* vfio_device_remove_group(vfio, device);
    return ret;
  }
  yield* along(refcount_set(device.refcount, 1), moves(device.chart, 'registered'));
  yield* vfio_device_group_register(device);
  return 0;
}

export const vfio_register_group_dev = (
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools = {},
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<number> => __vfio_register_dev(vfio, device, pools, ops);

/**
 * First no new open can come, by the group or by the node; then it waits, in slices of ten seconds, for those that have.
 * A signal ends one slice, and from then on signals are not looked at. How often the driver was asked is not carried.
 */
export function* vfio_unregister_group_dev(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation {
  yield* vfio_device_group_unregister(device);
  yield* vfio_device_del(vfio, device, ops);
  yield* vfio_device_put_registration(device);
  if (!(yield* try_wait_for_completion(device.comp)))
    yield* loop<boolean, true>(false, function* (interrupted): Operation<true | Again<boolean>> {
      yield* ops.request(device);
      const rc = interrupted
        ? yield* wait_for_completion_timeout(device.comp)
        : yield* wait_for_completion_interruptible_timeout(device.comp, moves(device.chart, 'interrupted'));
      return rc > 0 ? true : again(interrupted || rc < 0);
    });
  yield* vfio_device_remove_group(vfio, device, backend);
}

/* ---- device files ---- */

interface Closed {
  readonly device: VfioDevice;
  readonly isCdev: boolean;
}

function* release(vfio: Vfio, df: VfioDeviceFile, ops: VfioDeviceOps, backend: VfioIommuDriverOps): Operation<Closed> {
  const device = (yield* along(load(df.device), moves(df.chart, 'released'))) as VfioDevice;
  const isCdev = isNull(yield* load(df.group));
  if (isCdev) yield* vfio_df_unbind_iommufd(vfio, df, device, ops, backend);
  else yield* vfio_df_group_close(vfio, device, ops, backend);
  yield* vfio_device_put_registration(device);
  yield* kfree(df);
  return { device, isCdev };
}

export function* vfio_device_fops_release(
  vfio: Vfio,
  df: VfioDeviceFile,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* release(vfio, df, ops, backend);
  return 0;
}

type Ioctl = (df: VfioDeviceFile) => Operation<number>;

/**
 * Any ioctl but VFIO_DEVICE_BIND_IOMMUFD: refused until the device was opened.
 * @param ofCdev what it does to a cdev fd, where that has it to itself; a group's hands all on to the driver
 */
export function* vfio_device_fops_unl_ioctl(
  _vfio: Vfio,
  df: VfioDeviceFile,
  ops: VfioDeviceOps = vfio_device_ops,
  ofCdev?: Ioctl,
): Operation<number> {
  const device = yield* follow(df.device);
  if (!(yield* isAccessGranted(df))) return -EINVAL;
  if (isNull(yield* load(df.group)) && ofCdev !== undefined) return yield* ofCdev(df);
  return yield* ops.ioctl(device);
}

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT */
export const attachIommufdPt = (vfio: Vfio, df: VfioDeviceFile, pt: IommufdHwPagetable, ops?: VfioDeviceOps): Operation<number> =>
  vfio_device_fops_unl_ioctl(vfio, df, ops, (its) => vfio_df_ioctl_attach_pt(its, pt));

/** VFIO_DEVICE_DETACH_IOMMUFD_PT */
export const detachIommufdPt = (vfio: Vfio, df: VfioDeviceFile, ops?: VfioDeviceOps): Operation<number> =>
  vfio_device_fops_unl_ioctl(vfio, df, ops, vfio_df_ioctl_detach_pt);

/** And likewise write and mmap. */
export function* vfio_device_fops_read(_vfio: Vfio, df: VfioDeviceFile, ops: VfioDeviceOps = vfio_device_ops): Operation<number> {
  const device = yield* follow(df.device);
  if (!(yield* isAccessGranted(df))) return -EINVAL;
  return yield* ops.read(device);
}

/**
 * open(2) of /dev/vfio/devices/vfio<index>, from the look-up of the path on.
 * @returns the device file, or a negative errno: -ENOENT without a node, -ENXIO without a cdev, -ENODEV unregistered
 */
export const openDevice = (
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<VfioDeviceFile | number> =>
  chrdev_open<VfioDevice, VfioDeviceFile>(
    vfio,
    device,
    (found) => releaseOf(vfio, found, ops),
    (found) => vfio_device_fops_cdev_open(vfio, found, pools),
  );

/** The same from where chrdev_open() has found the cdev, and holds it. */
export const openFoundDevice = (
  vfio: Vfio,
  device: VfioDevice,
  pools: Pools,
  ops: VfioDeviceOps = vfio_device_ops,
): Operation<VfioDeviceFile | number> =>
  open_found_cdev<VfioDeviceFile>(vfio, device, releaseOf(vfio, device, ops), () =>
    vfio_device_fops_cdev_open(vfio, device, pools),
  );

/** The last close(2) of a device file. That of a node holds its cdev, and by it the memory of the device, to the end. */
export function* closeDevice(
  vfio: Vfio,
  df: VfioDeviceFile,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation {
  const { device, isCdev } = yield* release(vfio, df, ops, backend);
  if (isCdev) yield* cdev_put(vfio, device, releaseOf(vfio, device, ops));
}
