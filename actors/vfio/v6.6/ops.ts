/** What a scenario may put in the place of a driver of VFIO and of an IOMMU backend, and the memory for allocations. */
import type {
  GroupFile,
  IommuGroup,
  VfioContainer,
  VfioDevice,
  VfioDeviceFile,
  VfioGroup,
} from '../../../machines/vfio/v6.6/index.ts';
import { kzalloc, type Operation } from '../../step.ts';

/** struct vfio_device_ops (include/linux/vfio.h, v6.6). */
export interface VfioDeviceOps {
  readonly open_device: (device: VfioDevice) => Operation<number>;
  readonly close_device: (device: VfioDevice) => Operation;
  /** The wish that user space let go. Not handed over: how often it was asked, which would make every turn a new one. */
  readonly request: (device: VfioDevice) => Operation;
  readonly ioctl: (device: VfioDevice) => Operation<number>;
  readonly read: (device: VfioDevice) => Operation<number>;
  readonly release: (device: VfioDevice) => Operation;
}

/** A driver to which nothing happens. */
export const vfio_device_ops: VfioDeviceOps = {
  *open_device() {
    return 0;
  },
  *close_device() {},
  *request() {},
  *ioctl() {
    return 0;
  },
  *read() {
    return 0;
  },
  *release() {},
};

/** struct vfio_iommu_driver_ops (drivers/vfio/vfio.h, v6.6). */
export interface VfioIommuDriverOps {
  readonly open: (container: VfioContainer) => Operation<number>;
  readonly release: (container: VfioContainer) => Operation;
  readonly attach_group: (container: VfioContainer, group: IommuGroup) => Operation<number>;
  readonly detach_group: (container: VfioContainer, group: IommuGroup) => Operation;
  readonly register_device: (container: VfioContainer, device: VfioDevice) => Operation;
  readonly unregister_device: (container: VfioContainer, device: VfioDevice) => Operation;
}

/** A backend that keeps no books. */
export const vfio_iommu_driver_ops: VfioIommuDriverOps = {
  *open() {
    return 0;
  },
  *release() {},
  *attach_group() {
    return 0;
  },
  *detach_group() {},
  *register_device() {},
  *unregister_device() {},
};

/** Pools of the scenario. What is not reached need not be given. */
export interface Pools {
  /** For a driver that allocates its device in its probe. */
  readonly vfio_device?: VfioDevice;
  /** For the vfio_group of an IOMMU group that has none yet. */
  readonly vfio_group?: VfioGroup;
  readonly vfio_container?: VfioContainer;
  /** For each open of a device, by its own node or by its group. */
  readonly vfio_device_file?: VfioDeviceFile;
  /** For each open of a group. */
  readonly file?: GroupFile;
}

export function kzallocFrom<K extends keyof Pools>(pools: Pools, name: K): Operation<NonNullable<Pools[K]>> {
  const from = pools[name];
  if (from === undefined) throw new TypeError(`no pool is given for struct ${name}`);
  return kzalloc<NonNullable<Pools[K]>>(from);
}
