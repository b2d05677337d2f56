/**
 * drivers/vfio/vfio.c at 5d6dee80a1e9 (v4.13), where the external user differs from v3.12. It has what follows besides, and
 * here is left out, as no call below comes near it: group notifiers, noiommu, the list of unbound devices.
 */
import type { Vfio, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import type { Operation } from '../../step.ts';
import { vfio_iommu_driver_ops, type VfioIommuDriverOps } from '../v3.12/ops.ts';
import { vfio_group_try_dissolve_container } from '../v3.12/vfio-fops.ts';
import { vfio_group_put } from '../v3.12/vfio-objects.ts';

export function* vfio_group_put_external_user(
  vfio: Vfio,
  group: VfioGroup,
  ops: VfioIommuDriverOps = vfio_iommu_driver_ops,
): Operation {
  yield* vfio_group_try_dissolve_container(group, 'external_put', ops);
  yield* vfio_group_put(vfio, group);
}
