/** What a scenario of v4.19 puts in the place of drivers and of an IOMMU back end, and the memory for allocations. */
import type { Handle, Null } from '../../../machines/object.ts';
import type { Field } from '../../../machines/sync/field.ts';
import type { Workqueue } from '../../../machines/sync/work.ts';
import type {
  IommuGroup,
  Vfio,
  VfioContainer,
  VfioDevice,
  VfioGroupPutWork,
  VfioIommuDriver,
  VfioUnboundDev,
} from '../../../machines/vfio/v4.19/vfio.ts';
import { NULL } from '../../../machines/object.ts';
import { kzalloc, type Operation } from '../../step.ts';
import type { Callbacks } from '../../sync/notifier.ts';

/** struct vfio_device_ops (include/linux/vfio.h, v4.19). Left out: ioctl and I/O. */
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

/** `container->iommu_data`, which the back end alone understands. */
export type IommuData = { readonly path: string };

/** Of VFIO_IOMMU_NOTIFY. */
export const VFIO_IOMMU_NOTIFY_DMA_UNMAP = 1 << 0;

/** struct vfio_iommu_type1_dma_map and _unmap, in pages. */
export interface DmaMap {
  readonly iova: number;
  readonly vaddr: number;
  readonly size: number;
}
export type DmaUnmap = Omit<DmaMap, 'vaddr'>;
export type VfioIommuIoctl = [cmd: 'VFIO_IOMMU_MAP_DMA', arg: DmaMap] | [cmd: 'VFIO_IOMMU_UNMAP_DMA', arg: DmaUnmap];

/** struct vfio_iommu_driver_ops (include/linux/vfio.h, v4.19). Of its ioctl, what VFIO itself asks is by itself. */
export interface VfioIommuDriverOps {
  /** @returns the data, or a negative errno */
  readonly open: () => Operation<IommuData | number>;
  readonly release: (data: IommuData) => Operation;
  /** VFIO_CHECK_EXTENSION of an extension: VFIO_DMA_CC_IOMMU, or the type that SET_IOMMU names. */
  readonly check_extension: (data: IommuData | Null, arg: string) => Operation<number>;
  readonly ioctl?: (data: IommuData, ...request: VfioIommuIoctl) => Operation<number>;
  readonly attach_group: (data: IommuData, group: IommuGroup) => Operation<number>;
  readonly detach_group: (data: IommuData, group: IommuGroup) => Operation;
  readonly pin_pages?: (data: IommuData, user_pfn: readonly number[]) => Operation<number>;
  readonly unpin_pages?: (data: IommuData, user_pfn: readonly number[]) => Operation<number>;
  readonly register_notifier?: (data: IommuData, events: number, nb: Handle<Field<string>>) => Operation<number>;
  readonly unregister_notifier?: (data: IommuData, nb: Handle<Field<string>>) => Operation<number>;
}

/** A back end that keeps no books, and pins what it is asked to. */
export const vfio_iommu_driver_ops: VfioIommuDriverOps = {
  *open() {
    return NULL;
  },
  *release() {},
  *check_extension() {
    return 1;
  },
  *attach_group() {
    return 0;
  },
  *detach_group() {},
  *pin_pages(_data, user_pfn) {
    return user_pfn.length;
  },
  *unpin_pages(_data, user_pfn) {
    return user_pfn.length;
  },
  *register_notifier() {
    return 0;
  },
  *unregister_notifier() {
    return 0;
  },
};

/** What vfio.c stands on: its globals, the one back end, and what the functions do that notifier blocks name. */
export interface Core {
  readonly vfio: Vfio;
  readonly iommu_driver: VfioIommuDriver;
  readonly backend: VfioIommuDriverOps;
  readonly callbacks: Callbacks;
  /**
   * Not of the kernel: all devices of all groups have vfio drivers for good, so that each group is viable. The walk over them,
   * which takes locks and references of its own, is then left out.
   */
  readonly areAllViable?: true;
}

/** Pools of the scenario. What is not reached need not be given. */
export interface Pools {
  readonly vfio_container?: VfioContainer;
  /** For who unregisters a device. */
  readonly vfio_unbound_dev?: VfioUnboundDev;
  /** For each event of the IOMMU group, and the queue on which the item goes. */
  readonly vfio_group_put_work?: VfioGroupPutWork;
  readonly system_wq?: Handle<Workqueue>;
}

export function poolOf<K extends keyof Pools>(pools: Pools, name: K): NonNullable<Pools[K]> {
  const from = pools[name];
  if (from === undefined) throw new TypeError(`no ${name} is given`);
  return from;
}

export const kzallocFrom = <K extends Exclude<keyof Pools, 'system_wq'>>(
  pools: Pools,
  name: K,
): Operation<NonNullable<Pools[K]>> => kzalloc<NonNullable<Pools[K]>>(poolOf(pools, name));
