/**
 * drivers/vfio/mdev/mdev_core.c and mdev_sysfs.c, v6.1: the vendor is a driver of the bus, to which a device is bound when it
 * is in sysfs already, with its `remove`; and a parent has so many devices at most.
 *
 * Left out: registration and unregistration of a parent, beyond unreg_sem; names; links, beyond the look at the type that is
 * needed to make and remove them; drivers that count their devices themselves.
 */
import type { Device } from '../../../machines/vfio/v4.10/index.ts';
import type { MdevCore, MdevDevice, MdevParent, MdevType } from '../../../machines/vfio/v6.1/mdev.ts';
import { EAGAIN, EEXIST } from '../../../machines/sync/errno.ts';
import { type Bus, device_add, device_del, device_driver_attach } from '../../driver-core/bus.ts';
import { put_device } from '../../driver-core/core.ts';
import {
  echo,
  type KernfsNode,
  type Sysfs,
  sysfs_create_file,
  sysfs_remove_file,
  sysfs_remove_file_self,
} from '../../driver-core/kernfs.ts';
import { choose, kfree, kzalloc, type Operation } from '../../step.ts';
import { atomic_dec, atomic_inc, atomic_read } from '../../sync/atomic.ts';
import { kref_get, kref_put } from '../../sync/kref.ts';
import { list_add, list_del, list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_read_trylock, up_read } from '../../sync/rwsem.ts';
import { ENODEV, ENOMEM, EUSERS } from '../errno.ts';

/** The globals, a parent's device, and what its driver does with a device. */
export interface Mdev {
  readonly mdev_core: MdevCore;
  readonly sysfs: { readonly files: Sysfs };
  readonly dev: Device;
  readonly driver: {
    readonly probe: (mdev: MdevDevice) => Operation<number>;
    readonly remove: (mdev: MdevDevice) => Operation;
  };
}
export interface Pools {
  readonly mdev_device: MdevDevice;
  readonly kernfs_node: KernfsNode;
}

const removeFile = (uuid: string): string => `${uuid}/remove`;

export function* mdev_device_release({ mdev_core }: Mdev, mdev: MdevDevice): Operation {
  const type = (yield* load(mdev.type)) as MdevType;
  const parent = (yield* load(type.parent)) as MdevParent;
  yield* mutex_lock(mdev_core.mdev_list_lock);
  yield* list_del(mdev.next, mdev_core.mdev_list);
  yield* atomic_inc(parent.available_instances);
  yield* mutex_unlock(mdev_core.mdev_list_lock);
  yield* kref_put(type.kobj, () => kfree(type));
  yield* kfree(mdev);
}

/** As the driver core knows it: the bus itself finds no driver for it. */
const busOf = (env: Mdev, mdev: MdevDevice, node: KernfsNode | null, uuid: string): Bus => ({
  parent: env.dev,
  releaseParent: () => kfree(env.dev),
  release: () => mdev_device_release(env, mdev),
  ...(node === null ? {} : { device_add_attrs: () => sysfs_create_file(env.sysfs.files, removeFile(uuid), mdev, node) }),
  device_remove_attrs: () => sysfs_remove_file(env.sysfs.files, removeFile(uuid)),
  remove: () => env.driver.remove(mdev),
});

/** For whoever holds unreg_sem, in either way. */
function* mdev_device_remove_common(env: Mdev, mdev: MdevDevice): Operation {
  const type = (yield* load(mdev.type)) as MdevType;
  yield* load(type.devices_kobj);
  yield* device_del(mdev, busOf(env, mdev, null, yield* load(mdev.uuid)));
  yield* put_device(mdev, () => mdev_device_release(env, mdev));
}

/** What is done where there is no memory for a device that has its slot. In v6.1 the slot is not given back. */
type NoMemory = (parent: MdevParent) => Operation;
const keepSlot: NoMemory = function* () {};

/** Under the lock of the list. @returns the device, which is on it, or a negative errno */
function* listDevice(
  { mdev_core }: Mdev,
  type: MdevType,
  parent: MdevParent,
  uuid: string,
  memory: MdevDevice,
  noMemory: NoMemory,
): Operation<MdevDevice | number> {
  const found = yield* list_for_each_entry<MdevDevice, true | undefined>(mdev_core.mdev_list, 'next', function* (tmp) {
    return (yield* load(tmp.uuid)) === uuid ? true : undefined;
  });
  if (found === true) return -EEXIST;
  if ((yield* atomic_read(parent.available_instances)) === 0) return -EUSERS;
  yield* atomic_dec(parent.available_instances);
  if ((yield* choose('the memory of an mdev', 'ok', 'no memory')) === 'no memory') {
    yield* noMemory(parent);
    return -ENOMEM;
  }
  const mdev = yield* kzalloc(memory);
  yield* store(mdev.type, type);
  yield* kref_get(type.kobj);
  yield* store(mdev.uuid, uuid);
  yield* list_add(mdev.next, mdev_core.mdev_list);
  return mdev;
}

export function* mdev_device_create(
  env: Mdev,
  type: MdevType,
  uuid: string,
  pools: Pools,
  noMemory: NoMemory = keepSlot,
): Operation<number> {
  const { mdev_core } = env;
  const parent = (yield* load(type.parent)) as MdevParent;
  yield* mutex_lock(mdev_core.mdev_list_lock);
  const mdev = yield* listDevice(env, type, parent, uuid, pools.mdev_device, noMemory);
  yield* mutex_unlock(mdev_core.mdev_list_lock);
  if (typeof mdev === 'number') return mdev;

  if (!(yield* down_read_trylock(parent.unreg_sem))) {
    yield* put_device(mdev, () => mdev_device_release(env, mdev));
    return -ENODEV;
  }
  const bus = busOf(env, mdev, pools.kernfs_node, uuid);
  yield* device_add(mdev, bus);
  const ret = yield* device_driver_attach(mdev, () => env.driver.probe(mdev));
  if (ret !== 0) {
    yield* device_del(mdev, bus);
    yield* up_read(parent.unreg_sem);
    yield* put_device(mdev, () => mdev_device_release(env, mdev));
    return ret;
  }
  yield* load(type.devices_kobj);
  yield* store(mdev.active, true);
  yield* up_read(parent.unreg_sem);
  return 0;
}

export function* mdev_device_remove(env: Mdev, mdev: MdevDevice): Operation<number> {
  const { mdev_core } = env;
  const type = (yield* load(mdev.type)) as MdevType;
  const parent = (yield* load(type.parent)) as MdevParent;
  yield* mutex_lock(mdev_core.mdev_list_lock);
  const found = yield* list_for_each_entry<MdevDevice, true | undefined>(mdev_core.mdev_list, 'next', function* (tmp) {
    return tmp === mdev ? true : undefined;
  });
  if (found !== true) {
    yield* mutex_unlock(mdev_core.mdev_list_lock);
    return -ENODEV;
  }
  if (!(yield* load(mdev.active))) {
    yield* mutex_unlock(mdev_core.mdev_list_lock);
    return -EAGAIN;
  }
  yield* store(mdev.active, false);
  yield* mutex_unlock(mdev_core.mdev_list_lock);

  if (!(yield* down_read_trylock(parent.unreg_sem))) return -ENODEV;
  yield* mdev_device_remove_common(env, mdev);
  yield* up_read(parent.unreg_sem);
  return 0;
}

/** `echo UUID > create` */
export const create = (env: Mdev, uuid: string, pools: Pools, noMemory?: NoMemory): Operation<number> =>
  echo(env.sysfs.files, 'create', function* create_store(node) {
    return yield* mdev_device_create(env, (yield* load(node.priv)) as MdevType, uuid, pools, noMemory);
  });

/** `echo 1 > remove` */
export const remove = (env: Mdev, uuid: string): Operation<number> =>
  echo(env.sysfs.files, removeFile(uuid), function* remove_store(node) {
    const mdev = (yield* load(node.priv)) as MdevDevice;
    return (yield* sysfs_remove_file_self(env.sysfs.files, removeFile(uuid), node)) ? yield* mdev_device_remove(env, mdev) : 0;
  });
