/**
 * The structs of drivers/vfio/mdev in the mdev series v11 (November 2016), as far as the open of a device needs them.
 *
 * Left out: the life of the device and of its parent, which outlive everything here.
 */
import { globals, type HandleTo, struct } from '../../object.ts';
import { pointer } from '../../sync/field.ts';
import { module } from '../../sync/module.ts';
import { notifier_block } from '../../sync/notifier.ts';

/** The module of vfio_mdev.c, which holds itself while a device is open. */
export const vfio_mdev = globals('vfio_mdev', { owner: module() });
export interface VfioMdev extends HandleTo<typeof vfio_mdev> {}

export const mdev_device = struct('mdev_device', {
  /** By which vfio_mdev hears of unmaps on behalf of the driver. */
  nb: notifier_block('vfio_mdev_notifier'),
  /** The driver's. */
  driver_data: pointer<{ readonly path: string }>(),
});
export interface MdevDevice extends HandleTo<typeof mdev_device> {}
