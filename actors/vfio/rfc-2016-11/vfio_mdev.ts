/**
 * drivers/vfio/mdev/vfio_mdev.c of the mdev series v11 (November 2016): a driver may leave it to vfio_mdev to be told of
 * unmaps while its device is open, by a callback among its ops.
 *
 * The order of the calls is that of which the change log of v11 and the merged file tell: the patch itself was not at hand.
 * A driver without the callback is opened and closed as in v4.10.
 *
 * Left out: that a driver may have no open or release.
 */
import { handleAt, type Handle } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { MdevDevice, VfioMdev } from '../../../machines/vfio/rfc-2016-11/index.ts';
import type { Operation } from '../../step.ts';
import { type Callbacks, NOTIFY_OK } from '../../sync/notifier.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { ENODEV } from '../errno.ts';

type Block = Handle<Field<string>>;
export interface Unmap {
  readonly iova: number;
  readonly size: number;
}

/** struct parent_ops */
export interface ParentOps {
  readonly open: (mdev: MdevDevice) => Operation<number>;
  readonly release: (mdev: MdevDevice) => Operation;
  readonly notifier?: (mdev: MdevDevice, unmap: Unmap) => Operation;
}

/** vfio_register_notifier() and its counterpart, for the group of the device. */
export interface Notifiers {
  readonly vfio_register_notifier: (nb: Block) => Operation<number>;
  readonly vfio_unregister_notifier: (nb: Block) => Operation<number>;
}

export const vfio_mdev_callbacks = (ops: ParentOps): Callbacks => ({
  *vfio_mdev_notifier(nb, _action, data) {
    const mdev = handleAt<MdevDevice>(nb.path.slice(0, nb.path.lastIndexOf('.')));
    if (ops.notifier !== undefined) yield* ops.notifier(mdev, data as Unmap);
    return NOTIFY_OK;
  },
});

/** That nobody will tell the driver is printed, and no more. */
export function* vfio_mdev_open(vfio_mdev: VfioMdev, mdev: MdevDevice, ops: ParentOps, vfio: Notifiers): Operation<number> {
  if (!(yield* try_module_get(vfio_mdev.owner))) return -ENODEV;
  if (ops.notifier !== undefined) yield* vfio.vfio_register_notifier(mdev.nb);
  const ret = yield* ops.open(mdev);
  if (ret !== 0) {
    if (ops.notifier !== undefined) yield* vfio.vfio_unregister_notifier(mdev.nb);
    yield* module_put(vfio_mdev.owner);
  }
  return ret;
}

export function* vfio_mdev_release(vfio_mdev: VfioMdev, mdev: MdevDevice, ops: ParentOps, vfio: Notifiers): Operation {
  yield* ops.release(mdev);
  if (ops.notifier !== undefined) yield* vfio.vfio_unregister_notifier(mdev.nb);
  yield* module_put(vfio_mdev.owner);
}
