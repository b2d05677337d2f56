/**
 * Not of the kernel: what does DMA behind one IOMMU group, and whose memory it reaches. User space has its device do DMA as
 * soon as it may touch it; a driver of the host has its own do so from probe to remove; a container has the group
 * translated to its own domain.
 */
import type { Operation } from '../../../actors/step.ts';
import { store } from '../../../actors/sync/memory.ts';
import * as rfc from '../../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../../actors/vfio/v6.6/index.ts';
import { globals, type HandleTo } from '../../../machines/object.ts';
import { field } from '../../../machines/sync/field.ts';
import type * as inRfc from '../../../machines/vfio/rfc-2021-09/index.ts';
import type * as inMerged from '../../../machines/vfio/v6.6/index.ts';

export const dma = globals('dma', {
  of_user: field<boolean>(false),
  of_host: field<boolean>(false),
  to_container: field<boolean>(false),
});
export interface Dma extends HandleTo<typeof dma> {}

/** A host driver, for the driver core of either era. */
const hostDriver = ({ of_host }: Dma) => ({
  *probe(): Operation<number> {
    yield* store(of_host, true);
    return 0;
  },
  *remove(): Operation {
    yield* store(of_host, false);
  },
});

export const rfcHostDriver = (driver: inRfc.DeviceDriver, dma: Dma): rfc.Driver => ({ driver, ...hostDriver(dma) });
export const mergedHostDriver = (driver: inMerged.DeviceDriver, dma: Dma): v6_6.Driver => ({
  driver,
  driver_managed_dma: false,
  ...hostDriver(dma),
});

/** A driver of VFIO disables the device at its last close. */
export const rfcOps = ({ of_user }: Dma): rfc.VfioDeviceOps => ({
  ...rfc.vfio_device_ops,
  *release() {
    yield* store(of_user, false);
  },
});

/** drivers/vfio/vfio.c, v5.14: it asks nothing but whether the driver has a write, and passes it on. So does mmap(). */
export function* vfio_device_fops_write(_device: inRfc.VfioDevice, { of_user }: Dma): Operation {
  yield* store(of_user, true);
}

/** By way of vfio_device_fops_unl_ioctl(), which asks what reads, writes and mmap() are asked. */
export const mergedOps = ({ of_user }: Dma): v6_6.VfioDeviceOps => ({
  ...v6_6.vfio_device_ops,
  *ioctl() {
    yield* store(of_user, true);
    return 0;
  },
  *close_device() {
    yield* store(of_user, false);
  },
});

/** What attaching to a domain comes to. The back end of the other era is not modelled. */
export const mergedBackend = ({ to_container }: Dma): v6_6.VfioIommuDriverOps => ({
  ...v6_6.vfio_iommu_driver_ops,
  *attach_group() {
    yield* store(to_container, true);
    return 0;
  },
  *detach_group() {
    yield* store(to_container, false);
  },
});
