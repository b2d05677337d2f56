/**
 * The structs of drivers/vfio/mdev at v4.10 (mdev_core.c, mdev_sysfs.c, include/linux/mdev.h), and the part of a vfio_device
 * by which a device is opened. mdev_parent and mdev_parent_ops were called parent_device and parent_ops at first.
 *
 * Left out: mdev->ref, which is initialised and never used; the compatibility class, which is created once and never
 * asked for; the vendor's own attributes, which are created with the parent or the device, and removed with it.
 */
import { kernfsTree } from '../../driver-core/kernfs.ts';
import { klist } from '../../driver-core/klist.ts';
import { globals, type Handle, type HandleOf, type HandleTo, struct } from '../../object.ts';
import { completion } from '../../sync/completion.ts';
import { type Field, field, pointer } from '../../sync/field.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import { refcount } from '../../sync/refcount.ts';
import { chart } from '../charts.ts';

export const mdev_core = globals('mdev_core', { parent_list: list_head(), parent_list_lock: mutex() });
export interface MdevCore extends HandleTo<typeof mdev_core> {}

export const sysfs = globals('sysfs', { files: kernfsTree() });
/** struct module of vfio_mdev, which holds itself while a device is open. */
export const vfio_mdev = globals('vfio_mdev', { owner: module() });
export interface VfioMdev extends HandleTo<typeof vfio_mdev> {}

/** struct device of the parent. The driver that registers it holds it. */
export const device = struct('device', { kobj: kref(), klist_children: klist() });
export interface Device extends HandleTo<typeof device> {}

/** struct mdev_parent_ops, which stands in the memory of the vendor's module: by its name, each function. */
export interface MdevParentOps {
  readonly path: string;
  readonly create: Handle<Field<string>>;
  readonly remove: Handle<Field<string>>;
  readonly open: Handle<Field<string>>;
  readonly release: Handle<Field<string>>;
  readonly read: Handle<Field<string>>;
}

/** What it has in v4.10 and in all that come after it, up to v5.18. */
export const parentParts = () => ({
  dev: pointer<Device>(),
  ops: pointer<MdevParentOps>(),
  ref: kref(),
  next: list_node(),
  type_list: list_head(),
});
export interface MdevParent extends HandleOf<ReturnType<typeof parentParts>> {}

export const mdev_parent = struct('mdev_parent', { ...parentParts(), lock: mutex() });
export interface LockedParent extends HandleTo<typeof mdev_parent> {}

export const mdev_type = struct('mdev_type', {
  kobj: kref(),
  /** The directory for links to its devices, or NULL. */
  devices_kobj: field<boolean>(false),
  parent: pointer<MdevParent>(),
  next: list_node(),
});
export interface MdevType extends HandleTo<typeof mdev_type> {}

type VendorState = 'none' | 'created' | 'removed' | 'called_early' | 'called_late' | 'removed_twice';
export type VendorEvent = 'created' | 'called' | 'removed';
/** What its vendor knows of a device, which it may be called for from its create to its remove. */
const vendorChart = chart<VendorState, VendorEvent>('mdev_vendor', 'none', {
  none: { created: 'created', called: 'called_early' },
  created: { removed: 'removed' },
  removed: { called: 'called_late', removed: 'removed_twice' },
  called_early: {},
  called_late: {},
  removed_twice: {},
});

export const mdev_device = struct('mdev_device', {
  kobj: kref(),
  mutex: mutex({ novalidate: true }),
  driver: field<boolean>(false),
  /** Also the name of its directory in sysfs. */
  uuid: field<string>(''),
  parent: pointer<MdevParent>(),
  type_kobj: pointer<MdevType>(),
  driver_data: pointer<{ readonly path: string }>(),
  vendor: vendorChart(),
});
export interface MdevDevice extends HandleTo<typeof mdev_device> {}

/**
 * struct vfio_device (drivers/vfio/vfio.c) with the place in its group where user space finds it: it is there while its
 * count is not 0. That it is allocated with its group, and freed after it, is left out.
 */
export const vfio_device = globals('vfio_device', {
  kref: refcount(0),
  /** vfio.release_q, for this device */
  released: completion(),
  device_data: pointer<MdevDevice>(),
});
export interface VfioDevice extends HandleTo<typeof vfio_device> {}
