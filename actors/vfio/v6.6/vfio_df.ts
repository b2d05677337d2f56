/**
 * drivers/vfio/vfio_main.c, v6.6: the half on which group.c and device_cdev.c stand, namely the registration and the
 * opening of a device. The other half, which stands on them, is vfio_main.ts.
 *
 * df->device, device->group, device->dev_set and device->dev are constant once they are set: who enters reads them in one
 * step each and hands them down. So is dev->driver while a device is open, since its remove waits.
 */
import type { Handle } from '../../../machines/object.ts';
import type { Module } from '../../../machines/sync/module.ts';
import type { VfioDevice, VfioDeviceFile } from '../../../machines/vfio/v6.6/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import { along, moves, type Operation, WARN_ON } from '../../step.ts';
import { complete } from '../../sync/completion.ts';
import { load, READ_ONCE, smp_load_acquire, smp_store_release, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { refcount_dec_and_test, refcount_inc_not_zero } from '../../sync/refcount.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import { kzallocFrom, type Pools, type VfioDeviceOps } from './ops.ts';

export function* vfio_device_put_registration(device: VfioDevice): Operation {
  if (yield* refcount_dec_and_test(device.refcount)) yield* along(complete(device.comp), moves(device.chart, 'drained'));
}

export const vfio_device_try_get_registration = (device: VfioDevice): Operation<boolean> =>
  refcount_inc_not_zero(device.refcount);

/** Not modelled: an allocation that fails; the lock of df->kvm. */
export function* vfio_allocate_device_file(device: VfioDevice, pools: Pools): Operation<VfioDeviceFile> {
  const df = yield* kzallocFrom(pools, 'vfio_device_file');
  yield* store(df.device, device);
  return df;
}

/** The last store of an open: user space comes in by it, without a lock. */
export const grantAccess = (df: VfioDeviceFile): Operation =>
  along(smp_store_release(df.access_granted, true), moves(df.chart, 'granted'));

export const isAccessGranted = (df: VfioDeviceFile): Operation<boolean> => smp_load_acquire(df.access_granted);

/** By what a device file does DMA, and whether several may have the device. C asks df->iommufd; the caller knows. */
export interface DmaPath {
  readonly isShared: boolean;
  readonly use: () => Operation<number>;
  readonly unuse: () => Operation;
}

/** `device->dev->driver->owner` */
function* owner(device: VfioDevice): Operation<Handle<Module>> {
  const dev = yield* follow(device.dev);
  return (yield* follow(dev.driver)).owner;
}

function* vfio_df_device_first_open(device: VfioDevice, path: DmaPath, ops: VfioDeviceOps): Operation<number> {
  const module = yield* owner(device);
  if (!(yield* try_module_get(module))) return -ENODEV;
  let ret = yield* path.use();
  if (ret === 0) {
    ret = yield* ops.open_device(device);
    if (ret !== 0) yield* path.unuse();
  }
  if (ret !== 0) yield* module_put(module);
  return ret;
}

function* vfio_df_device_last_close(device: VfioDevice, path: DmaPath, ops: VfioDeviceOps): Operation {
  yield* ops.close_device(device);
  yield* path.unuse();
  yield* module_put(yield* owner(device));
}

/** Under the lock of the set, which is why the count is read once. */
export function* vfio_df_open(device: VfioDevice, path: DmaPath, ops: VfioDeviceOps): Operation<number> {
  const count = yield* load(device.open_count);
  if (count !== 0 && !path.isShared) return -EINVAL;
  if (count !== 0) {
    yield* store(device.open_count, count + 1);
    return 0;
  }
  yield* along(store(device.open_count, 1), moves(device.chart, 'opened'));
  const ret = yield* vfio_df_device_first_open(device, path, ops);
  if (ret !== 0) yield* along(store(device.open_count, 0), moves(device.chart, 'closed'));
  return ret;
}

/** Under the lock of the set. */
export function* vfio_df_close(device: VfioDevice, path: DmaPath, ops: VfioDeviceOps): Operation {
  const count = yield* READ_ONCE(device.open_count);
  yield* WARN_ON(count === 0, '!READ_ONCE(device->open_count)');
  if (count !== 1) {
    yield* store(device.open_count, count - 1);
    return;
  }
  yield* vfio_df_device_last_close(device, path, ops);
  yield* along(store(device.open_count, 0), moves(device.chart, 'closed'));
}
