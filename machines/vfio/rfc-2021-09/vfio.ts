/**
 * The structs of drivers/vfio/vfio.c and include/linux/vfio.h, v5.14 with RFC 02/20 ("vfio: Add device class for
 * /dev/vfio/devices") and RFC 03/20 ("vfio: Add vfio_[un]register_device()") of 2021-09, and what they need of the driver
 * core and of the IOMMU groups beneath them (drivers/base, drivers/iommu/iommu.c).
 *
 * A part starts as its allocation function leaves it. Of a vfio_device that means: allocated by its driver, zeroed, and
 * through vfio_init_group_dev(). A scenario that begins elsewhere says so in `start`; see `initialised` and `registered`.
 *
 * Fields that are set once and then only read (dev, iommu_group, a group's minor, names) are parts, too, for kernel code
 * has its pointers from somewhere: reading them is a step that commutes with all but the free of their struct. What is
 * const and not looked at by the code that is modelled (ops, classes, dev_t) is no part at all.
 *
 * Left out: noiommu groups, KVM and its notifier, iommu_data (it changes beside iommu_driver, and means something to the
 * back end alone), the cdevs (one for all minors, which nobody takes away), ERR_PTR: a failed look-up replies the errno.
 */
import { class_create } from '../../driver-core/class.ts';
import { globals, type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { completion } from '../../sync/completion.ts';
import { field, pointer } from '../../sync/field.ts';
import { idr } from '../../sync/idr.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import { notifier_block, notifier_chain } from '../../sync/notifier.ts';
import { refcount } from '../../sync/refcount.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { wait_queue_head } from '../../sync/wait-queue.ts';
import { work_struct, workqueue } from '../../sync/work.ts';
import { chart, containerChart } from '../charts.ts';
import { containerUsers } from '../container-users.ts';

/* ---- the driver core ---- */

/** struct device_driver and, in it, the module that owns it. */
export const device_driver = globals('device_driver', { name: field<string>('vfio-pci'), owner: module() });
export interface DeviceDriver extends HandleTo<typeof device_driver> {}

export const defaultName = '0000:00:14.2';

/** struct device of what is passed through. It is never unplugged here. */
export const device = struct('device', {
  name: field<string>(defaultName),
  mutex: mutex({ novalidate: true }),
  driver: pointer<DeviceDriver>(),
  iommu_group: pointer<IommuGroup>(),
  /** Its place among the devices of the group, in C a struct group_device that points here. */
  group_device: list_node(),
});
export interface Device extends HandleTo<typeof device> {}

/** struct iommu_group. Left out: the domains. */
export const iommu_group = struct('iommu_group', {
  mutex: mutex(),
  devices: list_head(),
  /** The first is that of the devices in it, which hold one together: they do not leave it here. */
  devices_kobj: kref(),
  notifier_rwsem: rwsem(),
  notifier_head: notifier_chain(),
});
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
  device_class: class_create('vfio-device'),
  device_lock: mutex(),
  device_list: list_head(),
  device_idr: idr(),
});
export interface Vfio extends HandleTo<typeof vfio> {}

/** An IOMMU back end, registered as long as its module is loaded. */
export const vfio_iommu_driver = globals('vfio_iommu_driver', {
  vfio_next: list_node({ on: 'vfio.iommu_drivers_list' }),
  owner: module(),
});
export interface VfioIommuDriver extends HandleTo<typeof vfio_iommu_driver> {}

export const vfio_container = struct('vfio_container', {
  kref: kref(),
  group_list: list_head(),
  /** Not a lock of the group: the kernel's name for the container's own. */
  group_lock: rwsem(),
  iommu_driver: pointer<VfioIommuDriver>(),
  chart: containerChart(),
});
export interface VfioContainer extends HandleTo<typeof vfio_container> {}

/** On the group's unbound_list while its device is on the way from a vfio driver to none. */
export const vfio_unbound_dev = struct('vfio_unbound_dev', { dev: pointer<Device>(), unbound_next: list_node() });
export interface VfioUnboundDev extends HandleTo<typeof vfio_unbound_dev> {}

/** kernel/workqueue.c: where schedule_work() puts its items. A daemon in `worker_thread` runs them. */
export const workqueues = globals('workqueues', { system_wq: workqueue() });

export const vfio_group_put_work = struct('vfio_group_put_work', {
  work: work_struct('vfio_group_put_bg'),
  group: pointer<VfioGroup>(),
});
export interface VfioGroupPutWork extends HandleTo<typeof vfio_group_put_work> {}

type GroupState = 'created' | 'listed' | 'opened' | 'opened_by_devices' | 'attached' | 'orphaned' | 'released';
export type GroupEvent = 'listed' | 'opened' | 'opened_by_device' | 'closed' | 'attached' | 'detached' | 'released';
/** Who has it open, and whether it is on a container; `orphaned` is a container that has outlived the group's fd. */
const groupChart = chart<GroupState, GroupEvent>('vfio_group@rfc-2021-09', 'created', {
  created: { listed: 'listed' },
  listed: { opened: 'opened', opened_by_device: 'opened_by_devices', attached: 'orphaned', released: 'released' },
  opened: { closed: 'listed', attached: 'attached' },
  opened_by_devices: { closed: 'listed', attached: 'attached' },
  attached: { closed: 'orphaned', detached: 'opened' },
  orphaned: { opened: 'attached', opened_by_device: 'attached', detached: 'listed' },
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
  unbound_list: list_head(),
  unbound_lock: mutex(),
  opened_lock: mutex(),
  opened: field<number>(0),
  opened_by_nongroup_dev: field<boolean>(false),
  container_q: wait_queue_head(),
  dev_counter: field<number>(0),
  users: containerUsers(),
  chart: groupChart(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

type DeviceState = 'init' | 'registered' | 'going' | 'going_unkillable' | 'drained' | 'unlisted';
export type DeviceEvent = 'registered' | 'going' | 'interrupted' | 'drained' | 'unlisted';
/**
 * `going`: its driver has let go and waits, but it is still listed, and can be got while somebody has it; after a signal
 * it waits on, and hears no further one. `drained`: the last has let go. `unlisted`: it is on no list any more. Who has
 * it open the fields say, and how it is exposed, too.
 */
const deviceChart = chart<DeviceState, DeviceEvent>('vfio_device@rfc-2021-09', 'init', {
  init: { registered: 'registered', going: 'going' },
  registered: { going: 'going', drained: 'drained', unlisted: 'unlisted' },
  going: { interrupted: 'going_unkillable', drained: 'drained', unlisted: 'unlisted' },
  going_unkillable: { drained: 'drained', unlisted: 'unlisted' },
  drained: { unlisted: 'unlisted' },
  unlisted: { registered: 'registered' },
});

export const vfio_device = struct('vfio_device', {
  dev: pointer<Device>(),
  refcount: refcount(0),
  comp: completion(),
  group: pointer<VfioGroup>(),
  group_next: list_node(),
  /** -1 where it has no node; 0, as kzalloc() leaves it, before it was ever registered. */
  minor: field<number>(0),
  opened: atomic(),
  vfio_next: list_node(),
  chart: deviceChart(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}
