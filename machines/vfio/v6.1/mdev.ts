/**
 * The structs of drivers/vfio/mdev at v6.1: a parent is part of its driver's own structure and counted by nobody, so is a
 * type, of which a device holds the kobject, and the driver's slots are counted by mdev core.
 *
 * Left out: get_available(), by which a driver may count for itself; that a type holds the parent's own device; all types of
 * a parent but one.
 */
import { globals, type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { kref } from '../../sync/kref.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { rwsem } from '../../sync/rwsem.ts';
import type { Device } from '../v4.10/mdev.ts';

export const mdev_core = globals('mdev_core', { mdev_list: list_head(), mdev_list_lock: mutex() });
export interface MdevCore extends HandleTo<typeof mdev_core> {}

export const mdev_parent = struct('mdev_parent', {
  dev: pointer<Device>(),
  unreg_sem: rwsem(),
  available_instances: atomic(),
});
export interface MdevParent extends HandleTo<typeof mdev_parent> {}

export const mdev_type = struct('mdev_type', {
  kobj: kref(),
  devices_kobj: field<boolean>(false),
  parent: pointer<MdevParent>(),
});
export interface MdevType extends HandleTo<typeof mdev_type> {}

export const mdev_device = struct('mdev_device', {
  kobj: kref(),
  mutex: mutex({ novalidate: true }),
  driver: field<boolean>(false),
  /** Also the name of its directory in sysfs. */
  uuid: field<string>(''),
  type: pointer<MdevType>(),
  next: list_node(),
  active: field<boolean>(false),
});
export interface MdevDevice extends HandleTo<typeof mdev_device> {}
