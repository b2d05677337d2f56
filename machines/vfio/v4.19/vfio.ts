/**
 * The structs of drivers/vfio/vfio.c, v4.19 (the same from v4.14 to v5.12, as far as they are modelled). Those of the
 * driver core and of the IOMMU groups beneath are those of v5.14, with the driver data of a device.
 *
 * A part starts as its allocation function leaves it; `registered` says of groups and devices that they are there already.
 *
 * Left out: noiommu; the class, the minors and the nodes of groups, which are there from the beginning and found by who
 * opens them; ops and device_data, which are const.
 */
import { globals, type HandleTo, type Json, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { file_ref } from '../../sync/file.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import { notifier_block, notifier_chain } from '../../sync/notifier.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { wait_queue_head } from '../../sync/wait-queue.ts';
import { work_struct, workqueue } from '../../sync/work.ts';
import { chart, containerChart } from '../charts.ts';
import { device as deviceOfV5_14, device_driver, iommu_group as groupOfV5_14 } from '../rfc-2021-09/vfio.ts';

export { device_driver };

/** Which bus its devices are on says whether an IOMMU stands behind it. */
export const iommu_group = struct('iommu_group', { ...groupOfV5_14.parts, bus: field<'pci' | 'mdev'>('pci') });
export interface IommuGroup extends HandleTo<typeof iommu_group> {}

type Pointed = { readonly path: string };

export const device = struct('device', {
  ...deviceOfV5_14.parts,
  iommu_group: pointer<IommuGroup>(),
  /** Of one that is registered: the vfio_device. */
  driver_data: pointer<Pointed>(),
});
export interface Device extends HandleTo<typeof device> {}

/** The file-scope variable of that name. */
export const vfio = globals('vfio', {
  iommu_drivers_lock: mutex(),
  group_list: list_head(),
  group_lock: mutex(),
  release_q: wait_queue_head(),
});
export interface Vfio extends HandleTo<typeof vfio> {}

/** The one back end that is registered. */
export const vfio_iommu_driver = globals('vfio_iommu_driver', { owner: module() });
export interface VfioIommuDriver extends HandleTo<typeof vfio_iommu_driver> {}

export const vfio_container = struct('vfio_container', {
  kref: kref(),
  group_list: list_head(),
  /** Not a lock of the group: the kernel's name for the container's own. */
  group_lock: rwsem(),
  iommu_driver: pointer<VfioIommuDriver>(),
  iommu_data: pointer<Pointed>(),
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

/** struct kvm, of which VFIO knows nothing but the address. */
export type KvmPointer = Pointed;

type GroupState = 'listed' | 'opened' | 'attached' | 'orphaned' | 'released';
export type GroupEvent = 'opened' | 'closed' | 'attached' | 'detached' | 'released';
/** Who has it open, and whether it is on a container; `orphaned` is a container that has outlived the group's fd. */
const groupChart = chart<GroupState, GroupEvent>('vfio_group@v4.19', 'listed', {
  listed: { opened: 'opened', attached: 'orphaned', released: 'released' },
  opened: { closed: 'listed', attached: 'attached' },
  attached: { closed: 'orphaned', detached: 'opened' },
  orphaned: { opened: 'attached', detached: 'listed' },
  released: {},
});

export const vfio_group = struct('vfio_group', {
  kref: kref(),
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
  opened: atomic(),
  container_q: wait_queue_head(),
  /** Borrowed: no reference comes with it, and no lock is around it. */
  kvm: pointer<KvmPointer>(),
  notifier_rwsem: rwsem(),
  notifier_head: notifier_chain(),
  chart: groupChart(),
});
export interface VfioGroup extends HandleTo<typeof vfio_group> {}

export const vfio_device = struct('vfio_device', {
  kref: kref(),
  dev: pointer<Device>(),
  group: pointer<VfioGroup>(),
  group_next: list_node(),
  /** A ghost: how many files it has, from before the open of the driver to after its release. */
  files: atomic(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}

/** struct file of a group fd. The ioctls of VFIO have it open anyway; KVM finds it by its descriptor. */
export const file = globals('file', { f_count: file_ref(), private_data: pointer<VfioGroup>() });
export interface GroupFile extends HandleTo<typeof file> {}

/** The descriptor table of the user: one entry for the file of a group. */
export const fdtable = globals('fdtable', { group: pointer<GroupFile>() });
export interface FdTable extends HandleTo<typeof fdtable> {}

/* ---- where a scenario begins ---- */

type Start = { readonly [path: string]: { readonly [field: string]: Json } };
const at = (name: string) => ({ value: { at: name } });

export interface GroupStart {
  readonly group: string;
  readonly iommu_group: string;
  /** The name of each, by that of the device on which it stands. */
  readonly devices: { readonly [dev: string]: string };
  /** Devices of the IOMMU group that VFIO does not know. */
  readonly others?: readonly string[];
  /** Its file is open, and on a container on which SET_IOMMU has succeeded. */
  readonly opened?: Opened;
}
interface Opened {
  /** Where the file itself and the descriptor table matter. */
  readonly file?: string;
  readonly fdtable?: string;
  readonly container: string;
  readonly iommu_driver: string;
  readonly iommu_data?: string;
}

const openedGroup = (group: string, { file: name, fdtable: fds, container, iommu_driver, iommu_data }: Opened): Start => ({
  ...(name === undefined ? {} : { [`${name}.private_data`]: at(group) }),
  ...(name === undefined || fds === undefined ? {} : { [`${fds}.group`]: at(name) }),
  [`${group}.opened`]: { n: 1 },
  [`${group}.container`]: at(container),
  [`${group}.container_users`]: { n: 1 },
  [`${group}.container_next`]: { on: `${container}.group_list` },
  [`${group}.chart`]: { initially: 'attached' },
  [`${container}.kref`]: { n: 2 },
  [`${container}.group_list`]: { entries: [group] },
  [`${container}.iommu_driver`]: at(iommu_driver),
  ...(iommu_data === undefined ? {} : { [`${container}.iommu_data`]: at(iommu_data) }),
  [`${container}.chart`]: { initially: 'iommu_set', groups: 1 },
  [`${iommu_driver}.owner`]: { refcnt: 2 },
});

/** What `start` says of a group whose devices are registered, under the names that the scenario gives; the globals are `vfio`. */
export const registered = (driver: string, start: GroupStart): Start => {
  const { group, iommu_group: of, devices, others = [], opened } = start;
  const devs = Object.keys(devices);
  return Object.assign(
    {
      'vfio.group_list': { entries: [group] },
      [`${group}.kref`]: { n: devs.length + (opened === undefined ? 0 : 1) },
      [`${group}.iommu_group`]: at(of),
      [`${group}.vfio_next`]: { on: 'vfio.group_list' },
      [`${group}.device_list`]: { entries: Object.values(devices) },
      [`${of}.devices`]: { entries: [...devs, ...others] },
      // One for the devices in it, one for the vfio_group.
      [`${of}.devices_kobj`]: { n: 2 },
      [`${of}.notifier_head`]: { blocks: [`${group}.nb`] },
    },
    ...[...devs, ...others].map((dev) => ({
      [`${dev}.iommu_group`]: at(of),
      [`${dev}.group_device`]: { on: `${of}.devices` },
    })),
    ...Object.entries(devices).map(([dev, name]) => ({
      [`${dev}.driver`]: at(driver),
      [`${dev}.driver_data`]: at(name),
      [`${name}.dev`]: at(dev),
      [`${name}.group`]: at(group),
      [`${name}.group_next`]: { on: `${group}.device_list` },
    })),
    opened === undefined ? {} : openedGroup(group, opened),
  );
};
