/**
 * drivers/base/core.c and lib/kobject.c, v6.6: a struct device that comes into sysfs and /dev, and leaves them.
 *
 * Nothing serialises two device_add() of one device, and nothing notices the second but the directory in sysfs, by then
 * too late: what it undoes where it fails is what the first has done.
 *
 * Read in a copy older than v6.6, in which the way of a failure is the same.
 *
 * Left out: references on the parent and on its glue directory, attributes, links and uevents, which one thread alone
 * touches; the references that come with a place on the two klists (klist_children_get(), klist_class_dev_get()), from
 * device_add() to device_del(), during which others are held; kobj->parent, which a device_add() that fails sets to NULL
 * for the one that had succeeded, because dev->p is missed first; the list_lock of devices_kset and the lock of a klist,
 * held for one step at a time; dev_set_name(), which gives a device that has a name an equal one and frees the old;
 * allocations that fail.
 */
import type { Handle } from '../../machines/object.ts';
import type { Kref } from '../../machines/sync/kref.ts';
import type { ListNode } from '../../machines/sync/list.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import type { CharDevices } from '../../machines/driver-core/char-dev.ts';
import type { DevicePrivate } from '../../machines/driver-core/device-private.ts';
import type { SysfsDir } from '../../machines/driver-core/sysfs.ts';
import type { Vfio } from '../../machines/vfio/v6.6/index.ts';
import { access, message, type Message, type Operation, send } from '../step.ts';
import { list_add_tail_locked, list_del_init_locked } from '../sync/list.ts';
import { lastPut } from '../sync/refcount.ts';
import { spelled } from '../sync/spelling.ts';

/** What has a reference count of the driver core. */
export interface Counted {
  readonly path: string;
  readonly kobj: Handle<Kref>;
}

/** A struct device inside another struct. */
export interface EmbeddedDevice extends Counted {
  readonly entry: Handle<ListNode>;
  readonly sd: Handle<SysfsDir>;
  readonly mutex: Handle<Mutex>;
  readonly p: Handle<DevicePrivate>;
}

/** `dev->release`, which finds the struct around the device; here the caller has bound it. */
export type Release = () => Operation;

const lock = access<Mutex, 'mutex_lock'>('acquire', 'mutex_lock', { c: 'device_lock(&$)' });
const unlock = access<Mutex, 'mutex_unlock'>('release', 'mutex_unlock', { c: 'device_unlock(&$)' });
export const device_lock = (dev: { readonly mutex: Handle<Mutex> }): Operation => lock(dev.mutex);
export const device_unlock = (dev: { readonly mutex: Handle<Mutex> }): Operation => unlock(dev.mutex);

const get = access<Kref, 'refcount_inc'>('get', 'refcount_inc', { c: 'kobject_get(&$)' });
const put = access<Kref, 'refcount_dec_and_test'>(lastPut, 'refcount_dec_and_test', { c: 'kobject_put(&$)' });

export const get_device = (dev: Counted): Operation => get(dev.kobj);

export function* put_device(dev: Counted, release: Release): Operation {
  if (yield* put(dev.kobj)) yield* release();
}

const hasPrivate = access<DevicePrivate, 'load'>({ kind: 'read', plain: true }, 'load', { c: '$' });
const device_private_init = access<DevicePrivate, 'device_private_init'>({ kind: 'write', plain: true }, 'device_private_init', {
  c: '$ = kzalloc()',
});
const usePrivate = (c: string) => access<DevicePrivate, 'access'>({ kind: 'read', plain: true }, 'access', { c });
const kill_device = usePrivate('$->dead = true');
const addToParent = usePrivate('klist_add_tail(&$->knode_parent)');
const addToClass = usePrivate('klist_add_tail(&$->knode_class)');
const delFromParent = usePrivate('klist_del(&$->knode_parent)');
const delFromClass = usePrivate('klist_del(&$->knode_class)');
const freePrivate = access<DevicePrivate, 'free'>({ kind: 'read', plain: true }, 'free', { c: 'kfree($)' });
const clearPrivate = access<DevicePrivate, 'clear'>({ kind: 'write', plain: true }, 'clear', { c: '$ = NULL' });

/** kernfs and devtmpfs have locks of their own. */
const locked = { kind: 'update', orders: 'both' } as const;
const sysfs_create_dir_ns = access<SysfsDir, 'sysfs_create_dir_ns'>(locked, 'sysfs_create_dir_ns');
const sysfs_remove_dir = access<SysfsDir, 'sysfs_remove_dir'>(locked, 'sysfs_remove_dir');

const node = (
  type: 'devtmpfs_create_node' | 'devtmpfs_delete_node',
  vfio: Vfio,
  device: EmbeddedDevice,
  seen: readonly Message[],
): Operation =>
  send(message<CharDevices, typeof type>(locked, vfio.chrdevs, type, { device }, { c: `${type}(&${spelled(device)})` }), ...seen);

/**
 * lib/kobject.c. Where the name is taken it leaves the kset again, and takes with it whoever has joined with the same
 * entry: the kernel then says "kobject_add_internal failed for … with -EEXIST", beneath the complaint of sysfs.
 */
function* kobject_add_internal(vfio: Vfio, dev: EmbeddedDevice): Operation<number> {
  yield* list_add_tail_locked(dev.entry, vfio.devices_kset);
  const error = yield* sysfs_create_dir_ns(dev.sd);
  if (error !== 0) yield* list_del_init_locked(dev.entry, vfio.devices_kset);
  return error;
}

/** A device with a class, a number and a parent: it has no bus, so that no driver is looked for. */
export function* device_add(vfio: Vfio, dev: EmbeddedDevice, release: Release, ...seen: readonly Message[]): Operation<number> {
  yield* get_device(dev);
  if (!(yield* hasPrivate(dev.p))) yield* device_private_init(dev.p);
  const error = yield* kobject_add_internal(vfio, dev);
  if (error !== 0) {
    yield* freePrivate(dev.p);
    yield* clearPrivate(dev.p);
  } else {
    yield* node('devtmpfs_create_node', vfio, dev, seen);
    yield* addToParent(dev.p);
    yield* addToClass(dev.p);
  }
  yield* put_device(dev, release);
  return error;
}

export function* device_del(vfio: Vfio, dev: EmbeddedDevice, ...seen: readonly Message[]): Operation {
  yield* device_lock(dev);
  yield* kill_device(dev.p);
  yield* device_unlock(dev);
  yield* delFromParent(dev.p);
  yield* node('devtmpfs_delete_node', vfio, dev, seen);
  yield* delFromClass(dev.p);
  yield* sysfs_remove_dir(dev.sd);
  yield* list_del_init_locked(dev.entry, vfio.devices_kset);
}
