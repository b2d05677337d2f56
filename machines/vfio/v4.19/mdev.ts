/**
 * The structs of drivers/vfio/mdev at v4.19: no lock of the parent any more, but a list of all devices, on which one is
 * before it exists for anybody else, and a flag that says that it has been created and nobody is about to remove it.
 */
import { globals, type HandleTo, struct } from '../../object.ts';
import { field } from '../../sync/field.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import * as v4_10 from '../v4.10/mdev.ts';

export const mdev_core = globals('mdev_core', { ...v4_10.mdev_core.parts, mdev_list: list_head(), mdev_list_lock: mutex() });
export interface MdevCore extends HandleTo<typeof mdev_core> {}

export const mdev_parent = struct('mdev_parent', v4_10.parentParts());

export const mdev_device = struct('mdev_device', {
  ...v4_10.mdev_device.parts,
  next: list_node(),
  active: field<boolean>(false),
});
export interface MdevDevice extends HandleTo<typeof mdev_device> {}
