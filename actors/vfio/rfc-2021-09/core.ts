/**
 * drivers/base/core.c, v5.14: the lock of a device, and the devices of a class.
 *
 * Left out: references on devices, of which none is unplugged; devtmpfs and uevents, which come with the device of a class.
 */
import type { Handle } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Mutex } from '../../../machines/sync/mutex.ts';
import type { Class } from '../../../machines/driver-core/class.ts';
import type { Device } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { access, message, type Operation, send } from '../../step.ts';

const lock = access<Mutex, 'mutex_lock'>('acquire', 'mutex_lock', { c: 'device_lock(&$)' });
const unlock = access<Mutex, 'mutex_unlock'>('release', 'mutex_unlock', { c: 'device_unlock(&$)' });
export const device_lock = (dev: Device): Operation => lock(dev.mutex);
export const device_unlock = (dev: Device): Operation => unlock(dev.mutex);

export const dev_name = (dev: Device): Operation<string> =>
  send<string>(message<Field<string>, 'load'>('read', dev.name, 'load', undefined, { c: `dev_name(${dev.path})` }));

/** @returns 0, or -EEXIST where the class has a device of that name */
export const device_create = (cls: Handle<Class>, devt: number, name: string): Operation<number> =>
  send<number>(
    message<Class, 'device_create'>(
      { kind: 'update', orders: 'both' },
      cls,
      'device_create',
      { devt, name },
      { c: `device_create($, ${devt}, "${name}")` },
    ),
  );

/** fs/namei.c: what is left of a path in /dev by the time that the node is opened. @returns its number, or -ENOENT */
export const path_lookupat = (cls: Handle<Class>, name: string): Operation<number> =>
  send<number>(
    message<Class, 'path_lookupat'>(
      { kind: 'read', orders: 'acquire' },
      cls,
      'path_lookupat',
      { name },
      { c: `path_lookupat("/dev/vfio/devices/${name}")` },
    ),
  );

export const device_destroy = (cls: Handle<Class>, devt: number): Operation =>
  send(
    message<Class, 'device_destroy'>(
      { kind: 'update', orders: 'both' },
      cls,
      'device_destroy',
      { devt },
      { c: `device_destroy($, ${devt})` },
    ),
  );
