/**
 * drivers/vfio/iommufd.c, v6.6: the callbacks of a driver of a physical device, by way of which a device file binds and
 * attaches. All of them under the lock of the set.
 *
 * Left out: emulated devices, and noiommu.
 */
import { NULL } from '../../../machines/object.ts';
import type { IommufdCtx, IommufdHwPagetable, VfioDevice } from '../../../machines/vfio/v6.6/index.ts';
import {
  iommufd_device_attach,
  iommufd_device_bind,
  iommufd_device_detach,
  iommufd_device_replace,
  iommufd_device_unbind,
} from '../../driver-core/iommufd_device.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { type Operation, WARN_ON } from '../../step.ts';
import { load, store } from '../../sync/memory.ts';
import { EINVAL } from '../errno.ts';

function* vfio_iommufd_physical_bind(device: VfioDevice, ictx: IommufdCtx): Operation<number> {
  const ret = yield* iommufd_device_bind(ictx, device);
  if (ret === 0) yield* store(device.iommufd_device, ictx);
  return ret;
}

/** What user space has left attached is detached. */
function* vfio_iommufd_physical_unbind(device: VfioDevice): Operation {
  const ictx = yield* follow(device.iommufd_device);
  if (yield* load(device.iommufd_attached)) {
    yield* iommufd_device_detach(ictx, device);
    yield* store(device.iommufd_attached, false);
  }
  yield* iommufd_device_unbind(ictx, device);
  yield* store(device.iommufd_device, NULL);
}

/** The second time it changes over from one page table to the other. */
export function* vfio_iommufd_physical_attach_ioas(device: VfioDevice, pt: IommufdHwPagetable): Operation<number> {
  const ictx = yield* load(device.iommufd_device);
  if (isNull(ictx)) {
    yield* WARN_ON(true, '!vdev->iommufd_device');
    return -EINVAL;
  }
  const rc = (yield* load(device.iommufd_attached))
    ? yield* iommufd_device_replace(ictx, device, pt)
    : yield* iommufd_device_attach(ictx, device, pt);
  if (rc === 0) yield* store(device.iommufd_attached, true);
  return rc;
}

export function* vfio_iommufd_physical_detach_ioas(device: VfioDevice): Operation {
  const ictx = yield* load(device.iommufd_device);
  if (isNull(ictx)) {
    yield* WARN_ON(true, '!vdev->iommufd_device');
    return;
  }
  if (!(yield* load(device.iommufd_attached))) return;
  yield* iommufd_device_detach(ictx, device);
  yield* store(device.iommufd_attached, false);
}

export const vfio_df_iommufd_bind = vfio_iommufd_physical_bind;
export const vfio_df_iommufd_unbind = vfio_iommufd_physical_unbind;
