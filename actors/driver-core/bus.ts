/**
 * drivers/base/core.c, bus.c and dd.c, v4.10 to v6.1: a device on a bus and below a parent, which a driver comes to as
 * soon as it is added, or, where the bus finds none by itself, when it is attached.
 *
 * The child is on its parent's list only when its driver has bound it, and leaves the list before the driver leaves it:
 * who walks the list in between does not meet it.
 *
 * Left out: dev->p, and the names of directories, over which nobody fights here; uevents and bus notifiers, to which nobody
 * listens; power; links. The bus has one driver, which has a match for every device.
 */
import type { Handle } from '../../machines/object.ts';
import { NULL, type Null } from '../../machines/object.ts';
import type { Klist } from '../../machines/driver-core/klist.ts';
import type { Field } from '../../machines/sync/field.ts';
import type { Mutex } from '../../machines/sync/mutex.ts';
import { message, type Operation, send } from '../step.ts';
import { load, store } from '../sync/memory.ts';
import { spelled } from '../sync/spelling.ts';
import { type Counted, device_lock, device_unlock, get_device, put_device, type Release } from './core.ts';

export interface Parent extends Counted {
  readonly klist_children: Handle<Klist>;
}
export interface Child extends Counted {
  readonly mutex: Handle<Mutex>;
  /** Whether it has one. */
  readonly driver: Handle<Field<boolean>>;
}

/** What bus, driver and release do with one device. */
export interface Bus {
  readonly parent: Parent;
  readonly releaseParent: Release;
  readonly release: Release;
  /** The attributes of dev->groups, where it has any that matter. */
  readonly device_add_attrs?: () => Operation<number>;
  readonly device_remove_attrs?: () => Operation;
  /** Left out where the bus finds no driver by itself. */
  readonly probe?: () => Operation<number>;
  readonly remove: () => Operation;
  /** What may be left in its directory when that goes. */
  readonly sysfs_remove_dir?: () => Operation;
}

const on =
  <R>(type: 'klist_add_tail' | 'klist_next' | 'klist_iter_exit' | 'klist_del', c: (entry: string) => string) =>
  (list: Handle<Klist>, entry: { readonly path: string }): Operation<R> =>
    send<R>(message<Klist, typeof type>({ kind: 'update', orders: 'both' }, list, type, { entry }, { c: c(spelled(entry)) }));

const klist_add_tail = on<void>('klist_add_tail', (entry) => `klist_add_tail(${entry}, &$)`);
const klist_next = on<{ readonly next: Child | Null; readonly gone: boolean }>('klist_next', () => 'klist_next(&$)');
const klist_iter_exit = on<boolean>('klist_iter_exit', () => 'klist_iter_exit(&$)');
const klist_del = on<boolean>('klist_del', (entry) => `klist_del(${entry})`);

/** A probe that fails leaves the device without a driver: device_add() does not say so, and whoever asks for a driver hears it. */
export function* device_driver_attach(dev: Child, probe: () => Operation<number>): Operation<number> {
  yield* device_lock(dev);
  yield* store(dev.driver, true);
  const ret = yield* probe();
  if (ret !== 0) yield* store(dev.driver, false);
  yield* device_unlock(dev);
  return ret;
}

/** device_release_driver() */
function* bus_remove_device(dev: Child, bus: Bus): Operation {
  yield* device_lock(dev);
  if (yield* load(dev.driver)) {
    yield* bus.remove();
    yield* store(dev.driver, false);
  }
  yield* device_unlock(dev);
}

/** @returns 0: what can fail in it is left out */
export function* device_add(dev: Child, bus: Bus): Operation<number> {
  yield* get_device(dev);
  yield* get_device(bus.parent);
  if (bus.device_add_attrs !== undefined) yield* bus.device_add_attrs();
  if (bus.probe !== undefined) yield* device_driver_attach(dev, bus.probe);
  // klist_children_get(): it holds the device for as long as it is on the list.
  yield* get_device(dev);
  yield* klist_add_tail(bus.parent.klist_children, dev);
  yield* put_device(dev, bus.release);
  return 0;
}

export function* device_del(dev: Child, bus: Bus): Operation {
  if (yield* klist_del(bus.parent.klist_children, dev)) yield* put_device(dev, bus.release);
  if (bus.device_remove_attrs !== undefined) yield* bus.device_remove_attrs();
  yield* bus_remove_device(dev, bus);
  if (bus.sysfs_remove_dir !== undefined) yield* bus.sysfs_remove_dir();
  yield* put_device(bus.parent, bus.releaseParent);
}

export function* device_unregister(dev: Child, bus: Bus): Operation {
  yield* device_del(dev, bus);
  yield* put_device(dev, bus.release);
}

/** It ends with the first child for which `fn` returns anything but 0. */
export function* device_for_each_child<D extends Child>(
  parent: Parent,
  release: (child: D) => Operation,
  fn: (child: D) => Operation<number>,
): Operation<number> {
  let at: D | Null = NULL;
  let error = 0;
  while (error === 0) {
    const { next, gone } = yield* klist_next(parent.klist_children, at);
    if (gone) yield* put_device(at as D, () => release(at as D));
    at = next as D | Null;
    if (at === NULL) return 0;
    error = yield* fn(at as D);
  }
  if (yield* klist_iter_exit(parent.klist_children, at)) yield* put_device(at as D, () => release(at as D));
  return error;
}

/** @returns the first child that matches, held */
export function* device_find_child<D extends Child>(
  parent: Parent,
  release: (child: D) => Operation,
  match: (child: D) => Operation<boolean>,
): Operation<D | Null> {
  let found: D | Null = NULL;
  yield* device_for_each_child<D>(parent, release, function* (child) {
    if (!(yield* match(child))) return 0;
    yield* get_device(child);
    found = child;
    return 1;
  });
  return found;
}
