/**
 * samples/vfio-mdev/mtty.c, v4.10 to v5.10: a vendor driver with a state for each device, which read() and write() go
 * through, and which remove() frees.
 *
 * Left out: what the port does, beyond that it is done under ops_lock; interrupts, by which another way leads to the state;
 * the character device of the module; that create() asks how many ports its type has; allocations that fail.
 */
import { NULL } from '../../../machines/object.ts';
import type { MdevDevice, MdevState, Mtty } from '../../../machines/vfio/v4.10/index.ts';
import { isNull } from '../../driver-core/pointer.ts';
import { kfree, kzalloc, type Operation } from '../../step.ts';
import { list_add, list_del, list_for_each_entry_safe } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { delete_module } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { EINVAL } from '../errno.ts';
import type { Vendor } from './mdev_ops.ts';

export function* mtty_create(mtty: Mtty, mdev: MdevDevice, memory: MdevState): Operation<number> {
  const mdev_state = yield* kzalloc(memory);
  yield* store(mdev_state.mdev, mdev);
  yield* store(mdev.driver_data, mdev_state);

  yield* mutex_lock(mtty.mdev_list_lock);
  yield* list_add(mdev_state.next, mtty.mdev_devices_list);
  yield* mutex_unlock(mtty.mdev_list_lock);
  return 0;
}

export function* mtty_remove(mtty: Mtty, mdev: MdevDevice): Operation<number> {
  const mdev_state = (yield* load(mdev.driver_data)) as MdevState;
  yield* mutex_lock(mtty.mdev_list_lock);
  const ret = yield* list_for_each_entry_safe<MdevState, number | undefined>(
    mtty.mdev_devices_list,
    'next',
    function* mtty_remove(mds) {
      if (mds !== mdev_state) return undefined;
      yield* list_del(mdev_state.next, mtty.mdev_devices_list);
      yield* store(mdev.driver_data, NULL);
      yield* kfree(mdev_state);
      return 0;
    },
  );
  yield* mutex_unlock(mtty.mdev_list_lock);
  return ret ?? -EINVAL;
}

/** @returns 0: they do nothing but print */
export function* mtty_open(): Operation<number> {
  return 0;
}
export function* mtty_close(): Operation {}

/** mdev_access(), by which both read() and write() do their work. */
export function* mtty_read(mdev: MdevDevice): Operation<number> {
  const mdev_state = yield* load(mdev.driver_data);
  if (isNull(mdev_state)) return -EINVAL;
  const { ops_lock } = mdev_state as MdevState;
  yield* mutex_lock(ops_lock);
  yield* mutex_unlock(ops_lock);
  return 1;
}

/** As mdev core and vfio_mdev know it. */
export const mttyOps = (mtty: Mtty, memory: MdevState): Vendor => ({
  ops: mtty,
  create: (_, mdev) => mtty_create(mtty, mdev, memory),
  remove: (mdev) => mtty_remove(mtty, mdev),
  open: () => mtty_open(),
  release: () => mtty_close(),
  read: (mdev) => mtty_read(mdev),
});

/** rmmod: `exit` unregisters the parent. The module's memory goes with it. */
export function* rmmod_mtty(mtty: Mtty, exit: () => Operation): Operation<number> {
  const ret = yield* delete_module(mtty.owner, exit);
  if (ret === 0) yield* kfree(mtty);
  return ret;
}
