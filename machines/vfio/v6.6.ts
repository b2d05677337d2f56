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
import { assign } from 'xstate';
import { done, globals, type HandleTo, type Json, NULL_NAME, part, reply, setupObject, splat, struct } from '../object.ts';
import { completion } from '../sync/completion.ts';
import { EEXIST } from '../sync/errno.ts';
import { field, pointer } from '../sync/field.ts';
import { file_ref } from '../sync/file.ts';
import { ida } from '../sync/idr.ts';
import { kref } from '../sync/kref.ts';
import { list_head, list_node } from '../sync/list.ts';
import { module } from '../sync/module.ts';
import { mutex } from '../sync/mutex.ts';
import { refcount } from '../sync/refcount.ts';
import { rwsem } from '../sync/rwsem.ts';
import { chart, containerChart } from './charts.ts';

/* ---- the driver core ---- */

type Pointer = { readonly path: string };

/** `kobj->sd`, the directory of a device in sysfs. Under one parent a name is taken once, in one step under kernfs_rwsem. */
export type SysfsDir = {
  sysfs_create_dir_ns: { reply: number };
  sysfs_remove_dir: object;
};

const duplicateName = splat({
  kind: 'warn',
  text: 'its directory is created a second time, which fails with -EEXIST',
  prints: "sysfs: cannot create duplicate filename '<path>'",
});

const sysfsMachine = setupObject<{ present: boolean }, SysfsDir>()
  .extend({
    guards: { isPresent: ({ context }) => context.present },
    actions: { create: assign({ present: true }), remove: assign({ present: false }) },
  })
  .createMachine({
    id: 'kernfs_node',
    context: ({ input }) => input,
    on: {
      sysfs_create_dir_ns: [{ guard: 'isPresent', actions: [duplicateName, reply(-EEXIST)] }, { actions: ['create', reply(0)] }],
      sysfs_remove_dir: { actions: ['remove', done] },
    },
  });
const sysfsDir = () => part<SysfsDir, { present: boolean }>(sysfsMachine, { present: false });

/**
 * `dev->p`, struct device_private, with the pointer to it: device_add() allocates it where there is none, and frees it
 * where it fails, whoever had allocated it. Nothing else points there, so that the two are one part.
 */
export type DevicePrivate = {
  load: { reply: boolean };
  device_private_init: object;
  /** One use of what it points at. */
  access: object;
  /** What kfree() does to the memory; the pointer stays. */
  free: object;
  clear: object;
};

type Private = { readonly p: 'NULL' | 'live' | 'freed' };

const privateLeaked = splat({ kind: 'leak', text: 'it is allocated a second time, and the first is lost', prints: null });
const throughNull = splat({
  kind: 'null-deref',
  text: 'dev->p is followed and is NULL',
  prints: 'BUG: kernel NULL pointer dereference',
  stops: true,
});
const throughFreed = splat({
  kind: 'use-after-free',
  text: 'dev->p is followed after it was freed',
  prints: 'BUG: KASAN: slab-use-after-free',
  stops: true,
});
const freedTwice = splat({ kind: 'double-free', text: 'dev->p is freed twice', prints: 'BUG: KASAN: double-free', stops: true });

const privateMachine = setupObject<Private, DevicePrivate>()
  .extend({
    guards: { isNull: ({ context }) => context.p === 'NULL', isFreed: ({ context }) => context.p === 'freed' },
    actions: { allocate: assign({ p: 'live' }), free: assign({ p: 'freed' }), clear: assign({ p: 'NULL' }) },
  })
  .createMachine({
    id: 'device_private',
    context: ({ input }) => input,
    on: {
      load: [{ guard: 'isNull', actions: reply(false) }, { actions: reply(true) }],
      device_private_init: [
        { guard: ({ context }) => context.p === 'live', actions: [privateLeaked, done] },
        { actions: ['allocate', done] },
      ],
      access: [{ guard: 'isNull', actions: throughNull }, { guard: 'isFreed', actions: throughFreed }, { actions: done }],
      free: [{ guard: 'isNull', actions: done }, { guard: 'isFreed', actions: freedTwice }, { actions: ['free', done] }],
      clear: { actions: ['clear', done] },
    },
  });
const devicePrivate = () => part<DevicePrivate, Private>(privateMachine, { p: 'NULL' });

/**
 * What the file system knows of character devices (fs/char_dev.c, drivers/base/map.c, drivers/base/devtmpfs.c): the node
 * in /dev, the entry in cdev_map, the cdev that an inode has kept, and the references on the cdev. It outlives the device,
 * as inodes do: who opens a node that is gone by now must find that out without touching the device.
 *
 * An inode goes by the device whose node it is or was. It keeps the cdev that its first open has found, until that cdev
 * is gone; without one, an open goes by the number, and finds whose number it is by then.
 *
 * To find a cdev and to get it is one step. In C it is a look at inode->i_cdev under cdev_lock and, where that is NULL, a
 * look-up under chrdevs_lock, each of which gets the cdev unless its count is 0; who comes between the two can only
 * turn one answer, pinned or -ENXIO, into another that it would have had a moment earlier or later.
 *
 * Left out: the module that owns the cdev, which is vfio itself.
 */
export type CharDevices = {
  cdev_init: { with: { device: Pointer } };
  kobj_map: { with: { device: Pointer; devt: string } };
  kobj_unmap: { with: { device: Pointer } };
  /** The device whose cdev it is, or NULL. */
  cdev_get: { with: { device: Pointer; i_rdev: string }; reply: Pointer };
  cdev_put: { with: { device: Pointer }; reply: boolean };
  devtmpfs_create_node: { with: { device: Pointer } };
  devtmpfs_delete_node: { with: { device: Pointer } };
  /** `inode->i_rdev`, or NULL where there is no such node. */
  path_lookupat: { with: { device: Pointer }; reply: string | null };
};

type Cdev = {
  readonly refs: number;
  /** How many entries of cdev_map lead to it. */
  readonly mapped: number;
  /** `i_cdev` of the inode of its node: the device whose cdev that is. */
  readonly i_cdev: string | null;
  readonly node: boolean;
  /** Its number, with the name of its region in front; it is the node's, too. */
  readonly devt: string;
};
type Cdevs = { readonly cdevs: { readonly [device: string]: Cdev } };

const absent: Cdev = { refs: 0, mapped: 0, i_cdev: null, node: false, devt: '' };
const most = 16;

const nameOf = (event: object): string => ('device' in event ? (event.device as { at: string }).at : '');
const cdevOf = ({ cdevs }: Cdevs, event: object): Cdev => cdevs[nameOf(event)] ?? absent;

/** What is gone without a trace leaves none here, or two ways to the same state would look different. */
const changed = (context: Cdevs, event: object, change: Partial<Cdev>): Cdevs => {
  const entries = Object.entries({ ...context.cdevs, [nameOf(event)]: { ...cdevOf(context, event), ...change } });
  const left = entries.filter(([, { refs, mapped, i_cdev, node }]) => refs > 0 || mapped > 0 || i_cdev !== null || node);
  return { cdevs: Object.fromEntries(left.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
};

/** Whose cdev an open of that inode gets. */
const findable = (context: Cdevs, event: object): string | undefined => {
  const { i_cdev } = cdevOf(context, event);
  const isIt = ([name, { mapped, devt }]: [string, Cdev]) =>
    i_cdev === null ? 'i_rdev' in event && mapped > 0 && devt === event.i_rdev : name === i_cdev;
  return Object.entries(context.cdevs).find((entry) => entry[1].refs > 0 && isIt(entry))?.[0];
};

const found = (context: Cdevs, event: object): Cdevs => {
  const name = findable(context, event) ?? '';
  const kept = changed(context, event, { i_cdev: name });
  const cdev = kept.cdevs[name] ?? absent;
  return { cdevs: { ...kept.cdevs, [name]: { ...cdev, refs: cdev.refs + 1 } } };
};

/** Also where the inode is another's. */
const purged = (context: Cdevs, event: object): Cdevs => {
  const forgotten = Object.entries(context.cdevs).map(([name, cdev]) => [
    name,
    cdev.i_cdev === nameOf(event) ? { ...cdev, i_cdev: null } : cdev,
  ]);
  return changed({ cdevs: Object.fromEntries(forgotten) }, event, { refs: 0 });
};

const liveCdevInitialised = splat({
  kind: 'refcount',
  text: 'cdev_init() wipes a cdev that is open: the references of its files are lost',
  prints: null,
});
const cdevUnderflow = splat({
  kind: 'refcount',
  text: 'a cdev is put below 0',
  prints: 'refcount_t: underflow; use-after-free.',
});

const charDevicesMachine = setupObject<Cdevs, CharDevices>()
  .extend({
    guards: {
      isInUse: ({ context, event }) => cdevOf(context, event).refs > 0,
      isOpen: ({ context, event }) => cdevOf(context, event).refs > 1,
      isOnlyReference: ({ context, event }) => cdevOf(context, event).refs === 1,
      isFindable: ({ context, event }) => findable(context, event) !== undefined,
      hasNode: ({ context, event }) => cdevOf(context, event).node,
    },
    actions: {
      init: assign(({ context, event }) => changed(context, event, { refs: 1, i_cdev: null })),
      map: assign(({ context, event }) => {
        const { mapped, devt } = cdevOf(context, event);
        return changed(context, event, { mapped: mapped + 1, devt: 'devt' in event ? event.devt : devt });
      }),
      unmap: assign(({ context, event }) => changed(context, event, { mapped: Math.max(0, cdevOf(context, event).mapped - 1) })),
      get: assign(({ context, event }) => found(context, event)),
      put: assign(({ context, event }) => changed(context, event, { refs: cdevOf(context, event).refs - 1 })),
      purge: assign(({ context, event }) => purged(context, event)),
      show: assign(({ context, event }) => changed(context, event, { node: true })),
      hide: assign(({ context, event }) => changed(context, event, { node: false })),
    },
  })
  .createMachine({
    id: 'chrdevs',
    context: ({ input }) => input,
    on: {
      cdev_init: [{ guard: 'isOpen', actions: ['init', liveCdevInitialised, done] }, { actions: ['init', done] }],
      kobj_map: { actions: ['map', done] },
      kobj_unmap: { actions: ['unmap', done] },
      cdev_get: [
        {
          guard: 'isFindable',
          actions: [
            {
              type: 'answer',
              params: ({ context, event }) => ({ value: { at: findable(context, event) ?? NULL_NAME.at } }),
            },
            'get',
          ],
        },
        { actions: reply({ at: NULL_NAME.at }) },
      ],
      cdev_put: [
        { guard: 'isOnlyReference', actions: ['purge', reply(true)] },
        { guard: 'isInUse', actions: ['put', reply(false)] },
        { actions: [cdevUnderflow, reply(false)] },
      ],
      devtmpfs_create_node: { actions: ['show', done] },
      devtmpfs_delete_node: { actions: ['hide', done] },
      path_lookupat: [
        {
          guard: 'hasNode',
          actions: { type: 'answer', params: ({ context, event }) => ({ value: cdevOf(context, event).devt }) },
        },
        { actions: reply(null) },
      ],
    },
  });
const charDevices = () =>
  part<CharDevices, Cdevs>(
    charDevicesMachine,
    { cdevs: {} },
    { range: ({ cdevs }) => Object.values(cdevs).every(({ refs, mapped }) => refs <= most && mapped <= most) },
  );

/** MKDEV(MAJOR(vfio.device_devt), index) and MKDEV(MAJOR(vfio.group_devt), minor): two regions, under the names that they have. */
export const deviceDevt = (index: number): string => `vfio-dev:${index}`;
export const groupDevt = (minor: number): string => `vfio:${minor}`;

/** A struct device inside another struct, as device_initialize() leaves it. */
const embeddedDevice = () => ({
  kobj: kref(),
  /** kobj.entry, on the list of devices_kset */
  entry: list_node({ initialised: true }),
  sd: sysfsDir(),
  mutex: mutex({ novalidate: true }),
  p: devicePrivate(),
});

/** struct device_driver and the module that owns it. */
export const device_driver = globals('device_driver', { owner: module() });
export interface DeviceDriver extends HandleTo<typeof device_driver> {}

export type IommuGroupOwner = { readonly path: string };

/**
 * struct iommu_group (drivers/iommu/iommu.c). Left out: the domains. Whoever owns the group has left the default domain
 * and its release goes back to it, so that `owner` says as much.
 */
export const iommu_group = struct('iommu_group', {
  mutex: mutex(),
  owner: pointer<IommuGroupOwner>(),
  owner_cnt: field<number>(0),
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

export const iommufd_ctx = struct('iommufd_ctx', {
  /** Of the file that stands for it: iommufd_ctx_get() and iommufd_ctx_put() count its references. */
  f_count: file_ref(),
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
const groupChart = chart<GroupState, GroupEvent>('vfio_group', 'closed', {
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
const deviceChart = chart<DeviceState, DeviceEvent>('vfio_device', 'allocated', {
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
  /** Whether it is bound to an iommufd. */
  iommufd_device: field<boolean>(false),
  chart: deviceChart(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}

/** A cdev fd is `blocked` until it is bound; a group's is `granted` before user space sees it. Closed, it is freed. */
const fileChart = chart<'blocked' | 'granted', 'granted'>('vfio_device_file', 'blocked', {
  blocked: { granted: 'granted' },
  granted: {},
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

/* ---- where a scenario begins ---- */

type Start = { readonly [path: string]: { readonly [field: string]: Json } };

/** The names are those that the scenario gives its objects; the globals are called `vfio`. */
export interface DeviceStart {
  readonly device: string;
  readonly dev: string;
  readonly dev_set: string;
  readonly driver: string;
  readonly index?: number;
}
export interface GroupStart {
  readonly group: string;
  readonly iommu_group: string;
  readonly minor?: number;
  readonly devices: readonly DeviceStart[];
  /** Devices of the IOMMU group that have no driver. */
  readonly others?: readonly string[];
  /** Its file is open, and on a container on which SET_IOMMU has succeeded. */
  readonly opened?: { readonly file: string; readonly container: string };
}

const at = (name: string) => ({ value: { at: name } });
const ascending = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const indices = (devices: readonly DeviceStart[]) => ({ ids: ascending(devices.map(({ index }) => index ?? 0)) });

/** What `start` says of an IOMMU group and the devices in it. */
export const in_iommu_group = (of: string, ...devs: readonly string[]): Start => ({
  [`${of}.devices_kobj`]: { n: devs.length },
  ...Object.fromEntries(devs.map((dev) => [`${dev}.iommu_group`, at(of)])),
});

const sets = (devices: readonly DeviceStart[]): Start =>
  Object.fromEntries(
    devices.map(({ dev_set }) => [
      `${dev_set}.device_list`,
      { entries: devices.filter((other) => other.dev_set === dev_set).map(({ device: name }) => name) },
    ]),
  );

const allocatedDevice = ({ device: name, dev, dev_set, driver, index }: DeviceStart): Start => ({
  [`${dev}.driver`]: at(driver),
  [`${dev}.driver_data`]: at(name),
  [`${name}.dev`]: at(dev),
  [`${name}.index`]: { value: index ?? 0 },
  [`${name}.dev_set`]: at(dev_set),
  [`${name}.dev_set_list`]: { on: `${dev_set}.device_list`, initialised: true },
});

/** What `start` says of devices in one IOMMU group whose drivers are in their probe, and about to register them. */
export const allocated = (of: string, ...devices: readonly DeviceStart[]): Start => ({
  ...Object.assign({}, ...devices.map(allocatedDevice)),
  ...in_iommu_group(of, ...devices.map(({ dev }) => dev)),
  ...sets(devices),
  'vfio.device_ida': indices(devices),
});

const addedDevice = (name: string): Start => ({
  [`${name}.kobj`]: { n: 2 },
  [`${name}.entry`]: { on: 'vfio.devices_kset', initialised: true },
  [`${name}.sd`]: { present: true },
  [`${name}.p`]: { p: 'live' },
});
const addedCdev = (devt: string): Cdev => ({ refs: 1, mapped: 1, i_cdev: null, node: true, devt });

const registeredDevice = (group: string, start: DeviceStart): Start => ({
  ...allocatedDevice(start),
  ...addedDevice(start.device),
  [`${start.device}.refcount`]: { n: 1 },
  [`${start.device}.group`]: at(group),
  [`${start.device}.group_next`]: { on: `${group}.device_list`, initialised: true },
  [`${start.device}.chart`]: { initially: 'registered' },
});

const registeredGroup = ({ group, iommu_group: of, minor, devices, others = [], opened }: GroupStart): Start => ({
  ...Object.assign({}, ...devices.map((start) => registeredDevice(group, start))),
  ...in_iommu_group(of, ...devices.map(({ dev }) => dev), ...others),
  // One for each device in it, one for the vfio_group.
  [`${of}.devices_kobj`]: { n: devices.length + others.length + 1 },
  ...addedDevice(group),
  [`${group}.minor`]: { value: minor ?? 0 },
  [`${group}.drivers`]: { n: devices.length },
  [`${group}.iommu_group`]: at(of),
  [`${group}.vfio_next`]: { on: 'vfio.group_list', initialised: true },
  [`${group}.device_list`]: { entries: devices.map(({ device: name }) => name) },
  ...(opened === undefined ? {} : openedGroup(group, of, opened)),
});

const openedGroup = (group: string, of: string, { file: name, container }: NonNullable<GroupStart['opened']>): Start => ({
  [`${group}.opened_file`]: at(name),
  [`${group}.container`]: at(container),
  [`${group}.container_users`]: { value: 1 },
  [`${group}.container_next`]: { on: `${container}.group_list`, initialised: true },
  [`${group}.chart`]: { initially: 'open' },
  [`${of}.owner`]: at(group),
  [`${of}.owner_cnt`]: { value: 1 },
  [`${container}.kref`]: { n: 2 },
  [`${container}.group_list`]: { entries: [group] },
  [`${container}.iommu_driver`]: { value: true },
  [`${container}.chart`]: { initially: 'iommu_set', groups: 1 },
});

/** What `start` says of groups all of whose devices are registered, and closed. */
export const registered = (...groups: readonly GroupStart[]): Start => {
  const devices = groups.flatMap((group) => group.devices);
  const nodes = groups.flatMap(({ group, minor, opened, devices: inIt }): [string, Cdev][] => [
    [group, { ...addedCdev(groupDevt(minor ?? 0)), ...(opened === undefined ? {} : { refs: 2, i_cdev: group }) }],
    ...inIt.map(({ device: name, index }): [string, Cdev] => [name, addedCdev(deviceDevt(index ?? 0))]),
  ]);
  return {
    ...Object.assign({}, ...groups.map(registeredGroup)),
    ...sets(devices),
    'vfio.device_ida': indices(devices),
    'vfio.group_ida': { ids: ascending(groups.map(({ minor }) => minor ?? 0)) },
    'vfio.group_list': { entries: groups.map(({ group }) => group) },
    'vfio.devices_kset': { entries: nodes.map(([name]) => name) },
    'vfio.chrdevs': { cdevs: Object.fromEntries(nodes.toSorted(([a], [b]) => (a < b ? -1 : 1))) },
  };
};
