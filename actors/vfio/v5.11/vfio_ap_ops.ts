/**
 * drivers/s390/crypto/vfio_ap_ops.c, v5.11 (with f21916ec4826): a driver that lives by the virtual machine it is told of. It
 * takes a reference each time that it is told, and puts the one that it has when it is told that there is none, or closed.
 * That another of its devices has the machine already it notices; that it is this one, it does not ask.
 *
 * Left out: the masks of the machine, which are set and cleared under kvm->lock, and with them the order of that lock and
 * the driver's own; the hook for the instruction of a guest; the queues, and unpinning their pages.
 */
import type { Handle } from '../../../machines/object.ts';
import { handleAt, NULL } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Kvm } from '../../../machines/vfio/kvm.ts';
import type { ApMatrixMdev, MatrixDev } from '../../../machines/vfio/v5.11/vfio_ap.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { list_for_each_entry } from '../../sync/list.ts';
import { load, store } from '../../sync/memory.ts';
import { module_put, try_module_get } from '../../sync/module.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { type Callbacks, NOTIFY_DONE, NOTIFY_OK } from '../../sync/notifier.ts';
import { ENODEV, EPERM } from '../errno.ts';
import { kvm_get_kvm, kvm_put_kvm, type KvmDeviceOps } from '../v4.19/kvm_main.ts';
import { type Core, type VfioDeviceOps, VFIO_IOMMU_NOTIFY_DMA_UNMAP } from '../v4.19/ops.ts';
import { VFIO_GROUP_NOTIFY_SET_KVM, vfio_register_notifier, vfio_unregister_notifier } from '../v4.19/vfio.ts';

function* vfio_ap_mdev_set_kvm(matrix_dev: MatrixDev, matrix_mdev: ApMatrixMdev, kvm: Kvm): Operation<number> {
  const other = yield* list_for_each_entry(matrix_dev.mdev_list, 'node', function* (m: ApMatrixMdev) {
    return m !== matrix_mdev && (yield* load(m.kvm)) === kvm ? m : undefined;
  });
  if (other !== undefined) return -EPERM;
  yield* store(matrix_mdev.kvm, kvm);
  yield* kvm_get_kvm(kvm);
  return 0;
}

function* vfio_ap_mdev_unset_kvm(matrix_mdev: ApMatrixMdev, kvm_ops: KvmDeviceOps): Operation {
  yield* kvm_put_kvm(yield* follow(matrix_mdev.kvm), kvm_ops);
  yield* store(matrix_mdev.kvm, NULL);
}

function* vfio_ap_mdev_group_notifier(
  matrix_dev: MatrixDev,
  nb: { readonly path: string },
  action: number,
  data: Kvm,
  kvm_ops: KvmDeviceOps,
): Operation<number> {
  if (action !== VFIO_GROUP_NOTIFY_SET_KVM) return NOTIFY_OK;
  const matrix_mdev = handleAt<ApMatrixMdev>(nb.path.slice(0, -'.group_notifier'.length));
  let notify_rc = NOTIFY_OK;
  yield* mutex_lock(matrix_dev.lock);
  if (isNull(data)) {
    if (!isNull(yield* load(matrix_mdev.kvm))) yield* vfio_ap_mdev_unset_kvm(matrix_mdev, kvm_ops);
  } else if ((yield* vfio_ap_mdev_set_kvm(matrix_dev, matrix_mdev, data)) !== 0) notify_rc = NOTIFY_DONE;
  yield* mutex_unlock(matrix_dev.lock);
  return notify_rc;
}

/** @param kvm_ops those of the devices of the machine, which goes with the last reference */
export const vfioApNotifiers = (matrix_dev: MatrixDev, kvm_ops: () => KvmDeviceOps): Callbacks => ({
  vfio_ap_mdev_group_notifier: (nb, action, data) => vfio_ap_mdev_group_notifier(matrix_dev, nb, action, data as Kvm, kvm_ops()),
  *vfio_ap_mdev_iommu_notifier() {
    return NOTIFY_OK;
  },
});

type Block = Handle<Field<string>>;

function* vfio_ap_mdev_open(core: Core, { owner }: MatrixDev, matrix_mdev: ApMatrixMdev): Operation<number> {
  if (!(yield* try_module_get(owner))) return -ENODEV;
  const dev = yield* follow(matrix_mdev.dev);
  const group_notifier: Block = matrix_mdev.group_notifier;
  let ret = yield* vfio_register_notifier(core, dev, 'VFIO_GROUP_NOTIFY', VFIO_GROUP_NOTIFY_SET_KVM, group_notifier);
  if (ret !== 0) {
    yield* module_put(owner);
    return ret;
  }
  const iommu_notifier: Block = matrix_mdev.iommu_notifier;
  ret = yield* vfio_register_notifier(core, dev, 'VFIO_IOMMU_NOTIFY', VFIO_IOMMU_NOTIFY_DMA_UNMAP, iommu_notifier);
  if (ret === 0) return ret;
  yield* vfio_unregister_notifier(core, dev, 'VFIO_GROUP_NOTIFY', group_notifier);
  yield* module_put(owner);
  return ret;
}

function* vfio_ap_mdev_release(
  core: Core,
  { lock, owner }: MatrixDev,
  matrix_mdev: ApMatrixMdev,
  kvm_ops: KvmDeviceOps,
): Operation {
  yield* mutex_lock(lock);
  if (!isNull(yield* load(matrix_mdev.kvm))) yield* vfio_ap_mdev_unset_kvm(matrix_mdev, kvm_ops);
  yield* mutex_unlock(lock);
  const dev = yield* follow(matrix_mdev.dev);
  yield* vfio_unregister_notifier(core, dev, 'VFIO_IOMMU_NOTIFY', matrix_mdev.iommu_notifier);
  yield* vfio_unregister_notifier(core, dev, 'VFIO_GROUP_NOTIFY', matrix_mdev.group_notifier);
  yield* module_put(owner);
}

export const vfio_ap_matrix_ops = (
  core: Core,
  matrix_dev: MatrixDev,
  matrix_mdev: ApMatrixMdev,
  kvm_ops: KvmDeviceOps,
): VfioDeviceOps => ({
  open: () => vfio_ap_mdev_open(core, matrix_dev, matrix_mdev),
  release: () => vfio_ap_mdev_release(core, matrix_dev, matrix_mdev, kvm_ops),
});
