/** The structs of drivers/vfio/mdev at v5.10, as since v5.2: a parent can be kept from being unregistered, or seen to be. */
import { type HandleTo, struct } from '../../object.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { parentParts } from '../v4.10/mdev.ts';

export const mdev_parent = struct('mdev_parent', { ...parentParts(), unreg_sem: rwsem() });
export interface MdevParent extends HandleTo<typeof mdev_parent> {}
