/** What a scenario may put in the place of a driver of VFIO and of an IOMMU back end, and the memory for allocations. */
import type { IommuGroup, VfioContainer, VfioDevice, VfioGroup } from '../../../machines/vfio/v3.12/index.ts';
import { kzalloc, type Operation } from '../../step.ts';

/** struct vfio_device_ops (include/linux/vfio.h, v3.12). Left out: ioctl and I/O, which go straight to the driver. */
export interface VfioDeviceOps {
  readonly open: (device: VfioDevice) => Operation<number>;
  readonly release: (device: VfioDevice) => Operation;
}

/** A driver to which nothing happens. */
export const vfio_device_ops: VfioDeviceOps = {
  *open() {
    return 0;
  },
  *release() {},
};

/** struct vfio_iommu_driver_ops (include/linux/vfio.h, v3.12). */
export interface VfioIommuDriverOps {
  readonly open: (container: VfioContainer) => Operation<number>;
  readonly release: (container: VfioContainer) => Operation;
  readonly attach_group: (container: VfioContainer, group: IommuGroup) => Operation<number>;
  readonly detach_group: (container: VfioContainer, group: IommuGroup) => Operation;
}

/** A back end that keeps no books. */
export const vfio_iommu_driver_ops: VfioIommuDriverOps = {
  *open() {
    return 0;
  },
  *release() {},
  *attach_group() {
    return 0;
  },
  *detach_group() {},
};

/** Pools of the scenario. What is not reached need not be given. */
export interface Pools {
  /** For the vfio_group of an IOMMU group that has none yet. */
  readonly vfio_group?: VfioGroup;
  /** For each device that a driver adds to its group. */
  readonly vfio_device?: VfioDevice;
}

export function kzallocFrom<K extends keyof Pools>(pools: Pools, name: K): Operation<NonNullable<Pools[K]>> {
  const from = pools[name];
  if (from === undefined) throw new TypeError(`no pool is given for struct ${name}`);
  return kzalloc<NonNullable<Pools[K]>>(from);
}
