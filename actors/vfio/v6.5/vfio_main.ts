/**
 * drivers/vfio/vfio_main.c, v6.5, where it differs from v6.6: a device has no node of its own, and it is unregistered in
 * the opposite order. It waits first, and only then goes off the list by which VFIO_GROUP_GET_DEVICE_FD finds it.
 *
 * Left out: what is left out of v6.6.
 */
import type { Vfio, VfioDevice } from '../../../machines/vfio/v6.6/index.ts';
import { device_del } from '../../driver-core/core.ts';
import { type Again, again, loop, moves, type Operation } from '../../step.ts';
import {
  try_wait_for_completion,
  wait_for_completion_interruptible_timeout,
  wait_for_completion_timeout,
} from '../../sync/completion.ts';
import { vfio_device_group_unregister, vfio_device_remove_group } from '../v6.6/group.ts';
import { vfio_device_ops, type VfioDeviceOps, vfio_iommu_driver_ops, type VfioIommuDriverOps } from '../v6.6/ops.ts';
import { vfio_device_put_registration } from '../v6.6/vfio_df.ts';
import { vfio_device_group_close } from './group.ts';

/** How often the driver was asked is not carried from turn to turn. */
export function* vfio_unregister_group_dev(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation {
  yield* vfio_device_put_registration(device);
  if (!(yield* try_wait_for_completion(device.comp)))
    yield* loop<boolean, true>(false, function* (interrupted): Operation<true | Again<boolean>> {
      yield* ops.request(device);
      const rc = interrupted
        ? yield* wait_for_completion_timeout(device.comp)
        : yield* wait_for_completion_interruptible_timeout(device.comp);
      return rc > 0 ? true : again(interrupted || rc < 0);
    });
  yield* vfio_device_group_unregister(device);
  yield* device_del(vfio, device, moves(device.chart, 'hidden'));
  yield* vfio_device_remove_group(vfio, device, backend);
}

/** The last close(2) of a device file. */
export function* vfio_device_fops_release(
  vfio: Vfio,
  device: VfioDevice,
  ops: VfioDeviceOps = vfio_device_ops,
  backend: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* vfio_device_group_close(vfio, device, ops, backend);
  yield* vfio_device_put_registration(device);
  return 0;
}
