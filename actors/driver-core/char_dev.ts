/**
 * fs/char_dev.c, v6.6, with the parts of drivers/base/map.c that it stands on: from a node in /dev to the open of a driver.
 *
 * Left out: that cdev_set_parent() stores the parent, which is always the device around the cdev; the module that owns
 * the fops, which is vfio itself; allocations that fail.
 */
import { message, type Message, type Operation, send } from '../step.ts';
import type { CharDevices, Vfio } from '../../machines/vfio/v6.6.ts';
import { spelled } from '../sync/spelling.ts';
import { ENOENT, ENXIO } from '../vfio/errno.ts';
import { device_add, device_del, type EmbeddedDevice, get_device, put_device, type Release } from './core.ts';

type Names = keyof CharDevices;

const on =
  <K extends Names>(kind: 'read' | 'update' | 'get' | 'put' | 'write', type: K, c: (device: string) => string) =>
  <R = void>(vfio: Vfio, device: { readonly path: string }, ...seen: readonly Message[]): Operation<R> =>
    send<R>(message<CharDevices, K>(kind, vfio.chrdevs, type, { device }, { c: c(spelled(device)) }), ...seen);

export const cdev_init = on('write', 'cdev_init', (device) => `cdev_init(&${device}.cdev)`);
const kobj_map = on('update', 'kobj_map', (device) => `kobj_map(cdev_map, ${device}.devt)`);
const kobj_unmap = on('update', 'kobj_unmap', (device) => `kobj_unmap(cdev_map, ${device}.devt)`);
const cdev_get = on('get', 'cdev_get', (device) => `cdev_get(&${device}.cdev)`);
const put = on('put', 'cdev_put', (device) => `cdev_put(&${device}.cdev)`);
const path_lookupat = on('read', 'path_lookupat', (device) => `path_lookupat(the node of ${device})`);

/** The last reference takes the inodes' pointers away, and lets the device go. */
export function* cdev_put(vfio: Vfio, dev: EmbeddedDevice, release: Release): Operation {
  if (yield* put<boolean>(vfio, dev)) yield* put_device(dev, release);
}

/** It does not ask whether the number is taken: a second entry is put in front of the first. */
function* cdev_add(vfio: Vfio, dev: EmbeddedDevice): Operation {
  yield* kobj_map(vfio, dev);
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
  release: Release,
  ...seen: readonly Message[]
): Operation<number> {
  yield* cdev_add(vfio, dev);
  const rc = yield* device_add(vfio, dev, release, ...seen);
  if (rc !== 0) yield* cdev_del(vfio, dev, release);
  return rc;
}

export function* cdev_device_del(vfio: Vfio, dev: EmbeddedDevice, release: Release, ...seen: readonly Message[]): Operation {
  yield* device_del(vfio, dev, ...seen);
  yield* cdev_del(vfio, dev, release);
}

/**
 * open(2) of a node: the path is looked up, and from then on the inode stays, even where the node goes.
 * @param fops_open the open of the driver; a negative errno is a failure
 */
export function* chrdev_open<R>(
  vfio: Vfio,
  dev: EmbeddedDevice,
  release: Release,
  fops_open: () => Operation<R | number>,
): Operation<R | number> {
  if (!(yield* path_lookupat<boolean>(vfio, dev))) return -ENOENT;
  if (!(yield* cdev_get<boolean>(vfio, dev))) return -ENXIO;
  const ret = yield* fops_open();
  if (typeof ret === 'number' && ret < 0) yield* cdev_put(vfio, dev, release);
  return ret;
}
