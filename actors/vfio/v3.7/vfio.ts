/**
 * drivers/vfio/vfio.c at 25a765b7f05c (v3.7), where it opens and closes a group otherwise than v3.12: before "vfio: Limit
 * group opens". The lock of a container is a mutex there, which these calls do not tell from the rwsem.
 */
import type { Vfio, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import { isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load } from '../../sync/memory.ts';
import { EBUSY, ENODEV } from '../errno.ts';
import { vfio_iommu_driver_ops, type VfioIommuDriverOps } from '../v3.12/ops.ts';
import { vfio_group_try_dissolve_container } from '../v3.12/vfio-fops.ts';
import { vfio_group_get_from_minor, vfio_group_put } from '../v3.12/vfio-objects.ts';

/** As often as somebody likes, until it is on a container. @returns the group, or a negative errno */
export function* vfio_group_fops_open(vfio: Vfio, minor: number): Operation<VfioGroup | number> {
  const group = yield* vfio_group_get_from_minor(vfio, minor);
  if (isNull(group)) return -ENODEV;
  if (!isNull(yield* load(group.container))) {
    yield* vfio_group_put(vfio, group);
    return -EBUSY;
  }
  return group;
}

export function* vfio_group_fops_release(
  vfio: Vfio,
  group: VfioGroup,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation<number> {
  yield* vfio_group_try_dissolve_container(group, 'group_closed', ops);
  yield* vfio_group_put(vfio, group);
  return 0;
}
