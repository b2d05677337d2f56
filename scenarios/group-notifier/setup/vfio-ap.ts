/** The same with the device of a driver that lives by the machine that it is told of: vfio_ap, at v5.11. */
import { kvm_vfio_ops } from '../../../actors/vfio/v4.19/kvm_vfio.ts';
import type { KvmDeviceOps } from '../../../actors/vfio/v4.19/kvm_main.ts';
import type { Core, VfioDeviceOps } from '../../../actors/vfio/v4.19/ops.ts';
import { vfio_ap_matrix_ops, vfioApNotifiers } from '../../../actors/vfio/v5.11/vfio_ap_ops.ts';
import { type ApMatrixMdev, ap_matrix_mdev, created, type MatrixDev, matrix_dev } from '../../../machines/vfio/v5.11/vfio_ap.ts';
import type { Vfio, VfioIommuDriver } from '../../../machines/vfio/v4.19/vfio.ts';
import * as base from '../../kvm/setup/v4.19.ts';

export { NAME } from '../../kvm/setup/v4.19.ts';

export const objects = { ...base.objects, matrix_dev, mdev: ap_matrix_mdev };
export const start = { ...base.start, ...created('mdev', 'dev') };
export const closed = { ...base.closed, ...created('mdev', 'dev') };

interface Driven {
  readonly vfio: Vfio;
  readonly type1: VfioIommuDriver;
  readonly matrix_dev: MatrixDev;
  readonly mdev: ApMatrixMdev;
}

/** VFIO, KVM and the driver, each of which calls the others. */
export function wire(objects: Driven): { readonly core: Core; readonly kvm_ops: KvmDeviceOps; readonly ops: VfioDeviceOps } {
  const core: Core = base.core(
    objects,
    vfioApNotifiers(objects.matrix_dev, () => kvm_ops),
  );
  const kvm_ops = kvm_vfio_ops(core);
  return { core, kvm_ops, ops: vfio_ap_matrix_ops(core, objects.matrix_dev, objects.mdev, kvm_ops) };
}
