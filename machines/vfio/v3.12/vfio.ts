/**
 * The structs of drivers/vfio/vfio.c at 6cdd97821322, the patch of v3.12 that brought the external user, and what they need
 * of the driver core and of the IOMMU groups beneath them (drivers/base, drivers/iommu/iommu.c).
 *
 * A part starts as its allocation function leaves it. A scenario that begins elsewhere says so in `start`; see
 * `registered`. Fields that are set once and then only read are parts, too, as kernel code has its pointers from somewhere.
 *
 * Left out: iommu_data, which changes beside iommu_driver and means something to the back end alone; device_data and ops;
 * group->dev; the two cdevs, which nobody takes away; ERR_PTR: a look-up that fails replies the errno.
 */
import { class_create } from '../../driver-core/class.ts';
import { globals, type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { file_ref } from '../../sync/file.ts';
import { idr } from '../../sync/idr.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { notifier_block } from '../../sync/notifier.ts';
import { wait_queue_head } from '../../sync/wait-queue.ts';
import { chart } from '../charts.ts';
import { containerUsers } from '../container-users.ts';
import { defaultName, type DeviceDriver, iommu_group as iommu_group_v5_14, type VfioContainer } from '../rfc-2021-09/vfio.ts';

export {
  defaultName,
  device_driver,
  type DeviceDriver,
  vfio_container,
  type VfioContainer,
  vfio_iommu_driver,
  type VfioIommuDriver,
} from '../rfc-2021-09/vfio.ts';

/* ---- the driver core ---- */

/** struct device of what is passed through. */
export const device = struct('device', {
  name: field<string>(defaultName),
  mutex: mutex({ novalidate: true }),
  driver: pointer<DeviceDriver>(),
  iommu_group: pointer<IommuGroup>(),
  /** Its place among the devices of the group, in C a struct group_device that points here. */
  group_device: list_node(),
  /** A void pointer. It belongs to the driver, and vfio.c keeps its vfio_device there. */
  driver_data: pointer<{ readonly path: string }>(),
});
export interface Device extends HandleTo<typeof device> {}

/** struct iommu_group. Each device in it has a reference of its own. Left out: the domains. */
export const iommu_group = struct('iommu_group', { ...iommu_group_v5_14.parts, id: field<number>(1) });
export interface IommuGroup extends HandleTo<typeof iommu_group> {}

/* ---- drivers/vfio ---- */

/** The file-scope variable of that name. */
export const vfio = globals('vfio', {
  class: class_create('vfio'),
  iommu_drivers_list: list_head(),
  iommu_drivers_lock: mutex(),
  group_list: list_head(),
  group_idr: idr(),
  group_lock: mutex(),
  release_q: wait_queue_head(),
});
export interface Vfio extends HandleTo<typeof vfio> {}

/** struct file of a container or a group: by `f_op` others know which. */
export const file = globals('file', {
  f_count: file_ref(),
  f_op: field<FileOperations>('vfio_group_fops'),
  private_data: pointer<VfioGroup>(),
});
export type FileOperations = 'vfio_fops' | 'vfio_group_fops';
export interface File extends HandleTo<typeof file> {}

type GroupState = 'created' | 'listed' | 'opened' | 'attached' | 'orphaned' | 'released';
export type GroupEvent = 'listed' | 'opened' | 'closed' | 'attached' | 'detached' | 'released';
/** Who has it open, and whether it is on a container; `orphaned` is a container that has outlived the group's fd. */
const groupChart = chart<GroupState, GroupEvent>('vfio_group@v3.12', 'created', {
  created: { listed: 'listed' },
  listed: { opened: 'opened', released: 'released' },
  opened: { closed: 'listed', attached: 'attached' },
  attached: { closed: 'orphaned', detached: 'opened' },
  orphaned: { opened: 'attached', detached: 'listed' },
  released: {},
});

export const vfio_group = struct('vfio_group', {
  kref: kref(),
  minor: field<number>(0),
  container_users: atomic(),
  iommu_group: pointer<IommuGroup>(),
  container: pointer<VfioContainer>(),
  device_list: list_head(),
  device_lock: mutex(),
  nb: notifier_block('vfio_iommu_group_notifier'),
  vfio_next: list_node(),
  container_next: list_node(),
  opened: atomic(),
  users: containerUsers(),
  chart: groupChart(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

/** `going`: its driver has let go, and it is found as long as somebody else has it. With the last reference it is freed. */
const deviceChart = chart<'created' | 'listed' | 'going' | 'unlisted', 'listed' | 'going' | 'unlisted'>(
  'vfio_device@v3.12',
  'created',
  {
    created: { listed: 'listed' },
    listed: { going: 'going', unlisted: 'unlisted' },
    going: { unlisted: 'unlisted' },
    unlisted: {},
  },
);

export const vfio_device = struct('vfio_device', {
  kref: kref(),
  dev: pointer<Device>(),
  group: pointer<VfioGroup>(),
  group_next: list_node(),
  /** What its driver has of it. */
  device_data: pointer<{ readonly path: string }>(),
  chart: deviceChart(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}
