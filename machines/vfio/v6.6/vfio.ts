/**
 * The structs of drivers/vfio at v6.6 (vfio_main.c, group.c, container.c, vfio.h, include/linux/vfio.h), of the driver
 * core and of the IOMMU groups beneath them (drivers/base/core.c, fs/char_dev.c, drivers/iommu/iommu.c).
 *
 * A part starts as its allocation function leaves it: a vfio_device is allocated and not registered, a vfio_group and a
 * container are fresh. A scenario that begins later says so in `start`; see `allocated` and `registered`.
 *
 * Left out: emulated and noiommu groups, a group fd on an iommufd instead of a container, KVM, debugfs, runtime power
 * management, and the xarray of device sets: a set is there from the beginning, and nobody frees it.
 */
import { charDevices } from '../../driver-core/char-dev.ts';
import { embeddedDevice } from '../../driver-core/core.ts';
import { dmaClaims } from '../../driver-core/dma-claims.ts';
import { globals, type HandleTo, struct } from '../../object.ts';
import { completion } from '../../sync/completion.ts';
import { field, pointer } from '../../sync/field.ts';
import { file_ref } from '../../sync/file.ts';
import { ida } from '../../sync/idr.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import { refcount } from '../../sync/refcount.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { chart, containerChart } from '../charts.ts';

/* ---- the driver core ---- */

/** MKDEV(MAJOR(vfio.device_devt), index) and MKDEV(MAJOR(vfio.group_devt), minor): two regions, under the names that they have. */
export const deviceDevt = (index: number): string => `vfio-dev:${index}`;
export const groupDevt = (minor: number): string => `vfio:${minor}`;

/** struct device_driver and the module that owns it. */
export const device_driver = globals('device_driver', { owner: module() });
export interface DeviceDriver extends HandleTo<typeof device_driver> {}

export type IommuGroupOwner = { readonly path: string };

/**
 * struct iommu_group (drivers/iommu/iommu.c). Left out: the default domain and the blocking one. Whoever owns the group has
 * left the one for the other and its release goes back, so that `owner` says as much; so does a container with its own.
 */
export const iommu_group = struct('iommu_group', {
  mutex: mutex(),
  owner: pointer<IommuGroupOwner>(),
  owner_cnt: field<number>(0),
  dma: dmaClaims(),
  /** That of the page table to which an iommufd has attached it; NULL while it is on one of those left out. */
  domain: pointer<IommufdHwPagetable>(),
  /** The first is that of the device in it. */
  devices_kobj: kref(),
});
export interface IommuGroup extends HandleTo<typeof iommu_group> {}

/** struct device of the parent, which is on a bus and has a driver. It is never unplugged here, so nobody counts it. */
export const device = struct('device', {
  mutex: mutex({ novalidate: true }),
  driver: pointer<DeviceDriver>(),
  /** A void pointer, which the driver alone understands. */
  driver_data: pointer<{ readonly path: string }>(),
  iommu_group: pointer<IommuGroup>(),
});
export interface Device extends HandleTo<typeof device> {}

/* ---- drivers/vfio ---- */

/** The three file-scope variables `vfio` of vfio_main.c, group.c and container.c, and the globals of the driver core. */
export const vfio = globals('vfio', {
  group_lock: mutex(),
  group_list: list_head(),
  group_ida: ida(),
  device_ida: ida(),
  iommu_drivers_lock: mutex(),
  /** drivers/base/core.c. Its list_lock is left out: it is held for one step at a time. */
  devices_kset: list_head(),
  chrdevs: charDevices(),
});
export interface Vfio extends HandleTo<typeof vfio> {}

/** struct iommufd_hw_pagetable with its iommu_domain: what IOMMU_HWPT_ALLOC makes, and IOMMU_DESTROY refuses while it has users. */
export const iommufd_hw_pagetable = struct('iommufd_hw_pagetable', { users: refcount(1) });
export interface IommufdHwPagetable extends HandleTo<typeof iommufd_hw_pagetable> {}

export const iommufd_ctx = struct('iommufd_ctx', {
  /** Of the file that stands for it: iommufd_ctx_get() and iommufd_ctx_put() count its references. */
  f_count: file_ref(),
  /** Its struct iommufd_group, which says for one IOMMU group to what all devices in it are attached: it has one here. */
  igroup_lock: mutex(),
  igroup_hwpt: pointer<IommufdHwPagetable>(),
  igroup_device_list: list_head(),
});
export interface IommufdCtx extends HandleTo<typeof iommufd_ctx> {}

export const vfio_container = struct('vfio_container', {
  kref: kref(),
  group_list: list_head(),
  /** Not the lock of a group: the kernel's name for the container's own. */
  group_lock: rwsem(),
  /** Whether there is one; which one it is matters to the backend alone. */
  iommu_driver: field<boolean>(false),
  chart: containerChart(),
});
export interface VfioContainer extends HandleTo<typeof vfio_container> {}

/** struct file of a group fd. That its private_data is the group is known to those who have it open. */
export const file = struct('file', { f_count: file_ref() });
export interface GroupFile extends HandleTo<typeof file> {}

/** struct vfio_device_set: the devices that only a reset of all of them resets, and the lock of their opening. */
export const vfio_device_set = struct('vfio_device_set', { lock: mutex(), device_list: list_head() });
export interface VfioDeviceSet extends HandleTo<typeof vfio_device_set> {}

type GroupState = 'closed' | 'open' | 'blocked' | 'orphan';
export type GroupEvent = 'opened' | 'released' | 'blocked' | 'unblocked' | 'orphaned';
/** Whose a group is: nobody's, a group fd's, bound cdev fds', or without drivers and perhaps still open. */
const groupChart = chart<GroupState, GroupEvent>('vfio_group@v6.6', 'closed', {
  closed: { opened: 'open', blocked: 'blocked', orphaned: 'orphan' },
  open: { released: 'closed', orphaned: 'orphan' },
  blocked: { unblocked: 'closed', orphaned: 'orphan' },
  orphan: {},
});

export const vfio_group = struct('vfio_group', {
  ...embeddedDevice(),
  minor: field<number>(0),
  drivers: refcount(0),
  vfio_next: list_node(),
  device_list: list_head(),
  device_lock: mutex(),
  group_lock: mutex(),
  iommu_group: pointer<IommuGroup>(),
  container: pointer<VfioContainer>(),
  container_users: field<number>(0),
  container_next: list_node(),
  opened_file: pointer<GroupFile>(),
  cdev_device_open_cnt: field<number>(0),
  chart: groupChart(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

type DeviceState = 'allocated' | 'added' | 'registered' | 'open' | 'hidden' | 'hidden_unkillable' | 'drained';
export type DeviceEvent = 'added' | 'registered' | 'opened' | 'closed' | 'hidden' | 'interrupted' | 'drained';
/**
 * `added`: the node is visible, and opens get -ENODEV. `hidden`: unregistered, and files may still be open, for which its
 * driver waits; after a signal it waits on, and hears no further one.
 */
const deviceChart = chart<DeviceState, DeviceEvent>('vfio_device@v6.6', 'allocated', {
  allocated: { added: 'added' },
  added: { registered: 'registered' },
  registered: { opened: 'open', hidden: 'hidden' },
  open: { closed: 'registered', hidden: 'hidden' },
  hidden: { interrupted: 'hidden_unkillable', drained: 'drained' },
  hidden_unkillable: { drained: 'drained' },
  drained: {},
});

export const vfio_device = struct('vfio_device', {
  ...embeddedDevice(),
  dev: pointer<Device>(),
  index: field<number>(0),
  refcount: refcount(0),
  comp: completion(),
  group: pointer<VfioGroup>(),
  group_next: list_node(),
  dev_set: pointer<VfioDeviceSet>(),
  dev_set_list: list_node(),
  open_count: field<number>(0),
  cdev_opened: field<boolean>(false),
  /** Of the struct iommufd_device by which it is bound, the context. */
  iommufd_device: pointer<IommufdCtx>(),
  iommufd_attached: field<boolean>(false),
  /** Of the struct iommufd_device, too. */
  group_item: list_node(),
  chart: deviceChart(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}

/** A cdev fd is `blocked` until it is bound; a group's is `granted` before user space sees it. `released`, nobody has it any more. */
const fileChart = chart<'blocked' | 'granted' | 'released', 'granted' | 'released'>('vfio_device_file@v6.6', 'blocked', {
  blocked: { granted: 'granted', released: 'released' },
  granted: { released: 'released' },
  released: {},
});

export const vfio_device_file = struct('vfio_device_file', {
  device: pointer<VfioDevice>(),
  /** NULL for a cdev fd. */
  group: pointer<VfioGroup>(),
  access_granted: field<boolean>(false),
  iommufd: pointer<IommufdCtx>(),
  chart: fileChart(),
});
export interface VfioDeviceFile extends HandleTo<typeof vfio_device_file> {}
