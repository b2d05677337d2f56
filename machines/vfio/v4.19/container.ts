/**
 * The structs of drivers/vfio/vfio.c, v4.19, as far as a container and its back end need them.
 *
 * Left out: what a device is found by, the unbound list and the viability of a group, KVM and the notifier of a group,
 * noiommu. Groups and devices are there from the beginning and stay.
 */
import { globals, type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { wait_queue_head } from '../../sync/wait-queue.ts';
import { containerChart } from '../charts.ts';
import type { IommuGroup, VfioIommu } from './type1.ts';

export const vfio = globals('vfio', { iommu_drivers_lock: mutex() });
export interface Vfio extends HandleTo<typeof vfio> {}

export const vfio_container = struct('vfio_container', {
  kref: kref(),
  group_list: list_head(),
  /** Not a lock of a group: the kernel's name for the container's own. */
  group_lock: rwsem(),
  /** Whether there is one; it is type1. */
  iommu_driver: field<boolean>(false),
  iommu_data: pointer<VfioIommu>(),
  chart: containerChart(),
});
export interface VfioContainer extends HandleTo<typeof vfio_container> {}

export const vfio_group = struct('vfio_group', {
  container_users: atomic(),
  iommu_group: pointer<IommuGroup>(),
  container: pointer<VfioContainer>(),
  container_next: list_node(),
  container_q: wait_queue_head(),
  opened: atomic(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

export const vfio_device = struct('vfio_device', { group: pointer<VfioGroup>() });
export interface VfioDevice extends HandleTo<typeof vfio_device> {}
