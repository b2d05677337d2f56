/**
 * fs/char_dev.c, v6.6, with the parts of drivers/base/map.c that it stands on: from a node in /dev to the open of a driver.
 *
 * cdev_map has a mutex, cdev_lock guards the pointer of an inode, and the lookup of a path takes locks of the file system.
 *
 * Left out: that cdev_set_parent() stores the parent, which is always the device around the cdev; the module that owns
 * the fops, which is vfio itself; allocations that fail.
 */
import type { Null } from '../../machines/object.ts';
import { type Meaning, message, type Message, type Operation, send } from '../step.ts';
import type { CharDevices } from '../../machines/driver-core/char-dev.ts';
import type { Vfio } from '../../machines/vfio/v6.6/index.ts';
import { lastPut } from '../sync/refcount.ts';
import { spelled } from '../sync/spelling.ts';
import { ENOENT, ENXIO } from '../vfio/errno.ts';
import { isNull } from './pointer.ts';
import { device_add, device_del, type EmbeddedDevice, get_device, put_device, type Release } from './core.ts';

type Names = Exclude<keyof CharDevices, 'kobj_map' | 'cdev_get'>;

const locked: Meaning = { kind: 'update', orders: 'both' };

const on =
  <K extends Names>(means: Meaning, type: K, c: (device: string) => string) =>
  <R = void>(vfio: Vfio, device: { readonly path: string }): Operation<R> =>
    send<R>(message<CharDevices, K>(means, vfio.chrdevs, type, { device }, { c: c(spelled(device)) }));

export const cdev_init = on({ kind: 'write' }, 'cdev_init', (device) => `cdev_init(&${device}.cdev)`);
const kobj_unmap = on(locked, 'kobj_unmap', (device) => `kobj_unmap(cdev_map, ${device}.devt)`);
const put = on(lastPut, 'cdev_put', (device) => `cdev_put(&${device}.cdev)`);
const path_lookupat = on(
  { kind: 'read', orders: 'acquire' },
  'path_lookupat',
  (device) => `path_lookupat(the node of ${device})`,
);

/** The last reference takes the inodes' pointers away, and lets the device go. */
export function* cdev_put(vfio: Vfio, dev: EmbeddedDevice, release: Release): Operation {
  if (yield* put<boolean>(vfio, dev)) yield* put_device(dev, release);
}

const kobj_map = (vfio: Vfio, device: EmbeddedDevice, devt: string): Operation =>
  send(
    message<CharDevices, 'kobj_map'>(
      locked,
      vfio.chrdevs,
      'kobj_map',
      { device, devt },
      { c: `kobj_map(cdev_map, ${spelled(device)}.devt)` },
    ),
  );

/**
 * What chrdev_open() does before it calls the driver: the cdev that the inode has kept, or that of its number.
 * @returns the device around the cdev
 */
const cdev_get = <D extends EmbeddedDevice>(vfio: Vfio, inode: D, i_rdev: string): Operation<D | Null> =>
  send<D | Null>(
    message<CharDevices, 'cdev_get'>(
      { kind: 'get', orders: 'both' },
      vfio.chrdevs,
      'cdev_get',
      { device: inode, i_rdev },
      { c: 'cdev_get(inode->i_cdev ?: kobj_lookup(cdev_map, inode->i_rdev))' },
    ),
  );

/** It does not ask whether the number is taken: a second entry is put in front of the first. */
function* cdev_add(vfio: Vfio, dev: EmbeddedDevice, devt: string): Operation {
  yield* kobj_map(vfio, dev, devt);
  yield* get_device(dev);
}

function* cdev_del(vfio: Vfio, dev: EmbeddedDevice, release: Release): Operation {
  yield* kobj_unmap(vfio, dev);
  yield* cdev_put(vfio, dev, release);
}

/** @param seen what charts see when the node appears */
export function* cdev_device_add(
  vfio: Vfio,
  dev: EmbeddedDevice,
  devt: string,
  release: Release,
  ...seen: readonly Message[]
): Operation<number> {
  yield* cdev_add(vfio, dev, devt);
  const rc = yield* device_add(vfio, dev, release, ...seen);
  if (rc !== 0) yield* cdev_del(vfio, dev, release);
  return rc;
}

export function* cdev_device_del(vfio: Vfio, dev: EmbeddedDevice, release: Release, ...seen: readonly Message[]): Operation {
  yield* device_del(vfio, dev, ...seen);
  yield* cdev_del(vfio, dev, release);
}

/**
 * open(2) of a node: the path is looked up, and from then on the inode stays, even where the node goes. What it is opened
 * on is found by the inode then: another device, where the number has gone to another. Which it is the driver learns from
 * the cdev.
 * @param dev the device whose node it is
 * @param fops_open the open of the driver; a negative errno is a failure
 */
export function* chrdev_open<D extends EmbeddedDevice, R>(
  vfio: Vfio,
  dev: D,
  release: (found: D) => Release,
  fops_open: (found: D) => Operation<R | number>,
): Operation<R | number> {
  const i_rdev = yield* path_lookupat<string | null>(vfio, dev);
  if (i_rdev === null) return -ENOENT;
  const found = yield* cdev_get(vfio, dev, i_rdev);
  if (isNull(found)) return -ENXIO;
  return yield* open_found_cdev(vfio, found, release(found), () => fops_open(found));
}

/** The rest of chrdev_open(): the cdev is found and held, and with it the device around it. */
export function* open_found_cdev<R>(
  vfio: Vfio,
  dev: EmbeddedDevice,
  release: Release,
  fops_open: () => Operation<R | number>,
): Operation<R | number> {
  const ret = yield* fops_open();
  if (typeof ret === 'number' && ret < 0) yield* cdev_put(vfio, dev, release);
  return ret;
}
