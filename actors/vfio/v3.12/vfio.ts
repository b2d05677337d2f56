/**
 * drivers/vfio/vfio.c at 6cdd97821322 (v3.12): what drivers of VFIO call, and the external user, who keeps a group from
 * being disposed of when user space is gone.
 *
 * Left out: allocations that fail; device_data; symbol_get(), by which an external user finds these functions.
 */
import type { Device, File, Vfio, VfioDevice, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { along, moves, type Operation, WARN } from '../../step.ts';
import { atomic_dec, atomic_inc_not_zero } from '../../sync/atomic.ts';
import { load } from '../../sync/memory.ts';
import { wait_event } from '../../sync/wait-queue.ts';
import { EBUSY, EINVAL } from '../errno.ts';
import { iommu_group_get, iommu_group_put } from '../rfc-2021-09/iommu.ts';
import { iommu_group_id } from './iommu.ts';
import { type Pools, vfio_iommu_driver_ops, type VfioIommuDriverOps } from './ops.ts';
import { vfio_group_try_dissolve_container } from './vfio-fops.ts';
import { vfio_group_viable } from './vfio-notifier.ts';
import {
  vfio_create_group,
  vfio_device_get,
  vfio_device_put,
  vfio_group_create_device,
  vfio_group_get,
  vfio_group_get_device,
  vfio_group_get_from_iommu,
  vfio_group_put,
} from './vfio-objects.ts';

/* ---- for drivers ---- */

/** The device that is added holds the IOMMU group; the vfio_group does not. */
export function* vfio_add_group_dev(vfio: Vfio, dev: Device, pools: Pools): Operation<number> {
  const iommu_group = yield* iommu_group_get(dev);
  if (isNull(iommu_group)) return -EINVAL;
  let group = yield* vfio_group_get_from_iommu(vfio, iommu_group);
  if (isNull(group)) {
    const created = yield* vfio_create_group(vfio, iommu_group, pools);
    if (typeof created === 'number') {
      yield* iommu_group_put(iommu_group);
      return created;
    }
    group = created;
  }
  const device = yield* vfio_group_get_device(group, dev);
  if (!isNull(device)) {
    yield* WARN(true, 'Device already exists on group');
    yield* vfio_device_put(vfio, device);
    yield* vfio_group_put(vfio, group);
    yield* iommu_group_put(iommu_group);
    return -EBUSY;
  }
  yield* vfio_group_create_device(group, dev, pools);
  yield* vfio_group_put(vfio, group);
  return 0;
}

function* dev_get_drvdata(dev: Device): Operation<VfioDevice> {
  return (yield* follow(dev.driver_data)) as VfioDevice;
}

/** Drvdata is trusted: for callers to whom the device is known to be bound. */
export function* vfio_device_get_from_dev(dev: Device): Operation<VfioDevice> {
  const device = yield* dev_get_drvdata(dev);
  yield* vfio_device_get(device);
  return device;
}

/** The reference by which it looks may be the last: then it is its own caller that is woken. */
function* vfio_dev_present(vfio: Vfio, group: VfioGroup, dev: Device): Operation<boolean> {
  const device = yield* vfio_group_get_device(group, dev);
  if (isNull(device)) return false;
  yield* vfio_device_put(vfio, device);
  return true;
}

/** It waits without end, and asks nobody to let go. */
export function* vfio_del_group_dev(vfio: Vfio, dev: Device): Operation {
  const device = yield* dev_get_drvdata(dev);
  const group = yield* follow(device.group);
  const iommu_group = yield* follow(group.iommu_group);
  yield* along(vfio_group_get(group), moves(device.chart, 'going'));
  yield* vfio_device_put(vfio, device);
  yield* wait_event(vfio.release_q, function* () {
    return !(yield* vfio_dev_present(vfio, group, dev));
  });
  yield* vfio_group_put(vfio, group);
  yield* iommu_group_put(iommu_group);
}

/* ---- for an external user ---- */

/** @returns the group, which stays on its container with its IOMMU, or a negative errno */
export function* vfio_group_get_external_user(vfio: Vfio, filep: File): Operation<VfioGroup | number> {
  const group = yield* follow(filep.private_data);
  if ((yield* load(filep.f_op)) !== 'vfio_group_fops') return -EINVAL;
  if (!(yield* along(atomic_inc_not_zero(group.container_users), moves(group.users, 'external_got')))) return -EINVAL;
  const container = yield* follow(group.container);
  if (isNull(yield* load(container.iommu_driver)) || !(yield* vfio_group_viable(vfio, group))) {
    // Where it comes to 0, nobody takes the container away.
    yield* along(atomic_dec(group.container_users), moves(group.users, 'external_put'));
    return -EINVAL;
  }
  yield* vfio_group_get(group);
  return group;
}

/** The group is put before it is used a last time. */
export function* vfio_group_put_external_user(
  vfio: Vfio,
  group: VfioGroup,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation {
  yield* vfio_group_put(vfio, group);
  yield* vfio_group_try_dissolve_container(group, 'external_put', ops);
}

export function* vfio_external_user_iommu_id(group: VfioGroup): Operation<number> {
  return yield* iommu_group_id(yield* follow(group.iommu_group));
}
