/** The structs of samples/vfio-mdev/mtty.c, the same from v4.10 to v5.10: a serial port that is mediated. */
import { type HandleTo, struct } from '../../object.ts';
import { field, pointer } from '../../sync/field.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import type { MdevDevice } from './mdev.ts';

/** The module, with its text and its variables: whoever reaches for them after it was unloaded finds nothing there. */
export const mtty = struct('mtty', {
  owner: module(),
  mdev_list_lock: mutex(),
  mdev_devices_list: list_head(),
  create: field('mtty_create'),
  remove: field('mtty_remove'),
  open: field('mtty_open'),
  release: field('mtty_close'),
  read: field('mtty_read'),
});
export interface Mtty extends HandleTo<typeof mtty> {}

export const mdev_state = struct('mdev_state', {
  next: list_node(),
  ops_lock: mutex(),
  mdev: pointer<MdevDevice>(),
});
export interface MdevState extends HandleTo<typeof mdev_state> {}
