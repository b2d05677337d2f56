/** What a scenario puts in the place of a driver of VFIO, and the memory that it gives to allocations. */
import type { VfioDevice, VfioGroup, VfioUnboundDev } from '../../../machines/vfio/rfc-2021-09/index.ts';
import { kzalloc, type Operation } from '../../step.ts';

/** struct vfio_device_ops (include/linux/vfio.h, v5.14). Left out: match, for devices go by their names here; ioctl and I/O. */
export interface VfioDeviceOps {
  readonly open: (device: VfioDevice) => Operation<number>;
  readonly release: (device: VfioDevice) => Operation;
  /** The wish that user space let go. Not handed over: how often it was asked, which would make every turn a new one. */
  readonly request?: (device: VfioDevice) => Operation;
}

/** A driver to which nothing happens, and that does not ask its user to let go. */
export const vfio_device_ops: VfioDeviceOps = {
  *open() {
    return 0;
  },
  *release() {},
};

/** Pools of the scenario. What is not reached need not be given. */
export interface Pools {
  /** For the vfio_group of an IOMMU group that has none yet. */
  readonly vfio_group?: VfioGroup;
  /** For who unregisters a device with a group, also as the undoing of a registration. */
  readonly vfio_unbound_dev?: VfioUnboundDev;
}

export function kzallocFrom<K extends keyof Pools>(pools: Pools, name: K): Operation<NonNullable<Pools[K]>> {
  const from = pools[name];
  if (from === undefined) throw new TypeError(`no pool is given for struct ${name}`);
  return kzalloc<NonNullable<Pools[K]>>(from);
}
