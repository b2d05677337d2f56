/**
 * drivers/vfio/container.c, v6.1: how a driver gets at the pages of the container that its device is open on.
 *
 * Left out: which backend it is; arguments that are refused; more than one page at a time.
 */
import type { VfioDevice, VfioPfn } from '../../../machines/vfio/v6.1/index.ts';
import { follow } from '../../driver-core/pointer.ts';
import { type Operation, WARN_ON } from '../../step.ts';
import { EINVAL } from '../errno.ts';
import { vfio_iommu_type1_pin_pages, vfio_iommu_type1_unpin_pages } from './vfio_iommu_type1.ts';
import { vfio_assert_device_open } from './vfio_main.ts';

/** @returns 1, or a negative errno */
export function* vfio_pin_pages(device: VfioDevice, iova: number, from: VfioPfn): Operation<number> {
  if (!(yield* vfio_assert_device_open(device))) return -EINVAL;
  const group = yield* follow(device.group);
  return yield* vfio_iommu_type1_pin_pages(yield* follow(group.iommu_data), iova, from);
}

export function* vfio_unpin_pages(device: VfioDevice, iova: number): Operation {
  if (yield* WARN_ON(!(yield* vfio_assert_device_open(device)), '!vfio_assert_device_open(device)')) return;
  const group = yield* follow(device.group);
  yield* vfio_iommu_type1_unpin_pages(yield* follow(group.iommu_data), iova);
}
