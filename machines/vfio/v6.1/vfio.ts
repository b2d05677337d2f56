/**
 * The structs of drivers/vfio at v6.1 (vfio.h, include/linux/vfio.h), as far as an emulated device and its container have to
 * do with each other.
 *
 * Left out: what a device and its group are found by, and what keeps them; KVM.
 */
import { type HandleTo, struct } from '../../object.ts';
import { field, pointer } from '../../sync/field.ts';
import { list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import type { VfioIommu } from './type1.ts';

/** On a container, whose backend is `iommu_data`. The file of the group is open. */
export const vfio_group = struct('vfio_group', {
  group_lock: mutex(),
  container_users: field<number>(1),
  /** `container->iommu_data`, which cannot change while a device is open. */
  iommu_data: pointer<VfioIommu>(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

/** An emulated device is alone in its set, so that the lock is its own. */
export const vfio_device = struct('vfio_device', {
  dev_set_lock: mutex(),
  group: pointer<VfioGroup>(),
  open_count: field<number>(0),
  iommu_entry: list_node(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}
