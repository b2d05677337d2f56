/**
 * drivers/s390/crypto/vfio_ap_private.h, v5.11: the mediated device of vfio_ap, and the one lock of that driver.
 *
 * Left out: the matrix of adapters and domains, and the queues.
 */
import { globals, type HandleTo, struct } from '../../object.ts';
import { pointer } from '../../sync/field.ts';
import { list_head, list_node } from '../../sync/list.ts';
import { module } from '../../sync/module.ts';
import { mutex } from '../../sync/mutex.ts';
import { notifier_block } from '../../sync/notifier.ts';
import type { Kvm } from '../kvm.ts';
import type { Device } from '../v4.19/vfio.ts';

/** The file-scope variable of that name, and the module. */
export const matrix_dev = globals('matrix_dev', { lock: mutex(), mdev_list: list_head(), owner: module() });
export interface MatrixDev extends HandleTo<typeof matrix_dev> {}

export const ap_matrix_mdev = struct('ap_matrix_mdev', {
  node: list_node(),
  /** In C it is found from the mediated device. */
  dev: pointer<Device>(),
  group_notifier: notifier_block('vfio_ap_mdev_group_notifier'),
  iommu_notifier: notifier_block('vfio_ap_mdev_iommu_notifier'),
  kvm: pointer<Kvm>(),
});
export interface ApMatrixMdev extends HandleTo<typeof ap_matrix_mdev> {}

/** What `start` says of a mediated device that was created on a device. */
export const created = (mdev: string, dev: string) => ({
  'matrix_dev.mdev_list': { entries: [mdev] },
  [`${mdev}.node`]: { on: 'matrix_dev.mdev_list' },
  [`${mdev}.dev`]: { value: { at: dev } },
});
