/** What a driver of an emulated device gives to VFIO: struct vfio_device_ops (include/linux/vfio.h, v6.1). */
import type { VfioDevice } from '../../../machines/vfio/v6.1/index.ts';
import type { Operation } from '../../step.ts';

type DmaUnmap = (device: VfioDevice, iova: number, length: number) => Operation;

export interface VfioDeviceOps {
  readonly open_device: (device: VfioDevice) => Operation<number>;
  readonly close_device: (device: VfioDevice) => Operation;
  /** Without it a driver cannot pin, and is not told of what is unmapped. */
  readonly dma_unmap?: DmaUnmap;
}

/** Of the one driver that all devices of a container have here that pin. */
export interface NotifiedOps extends VfioDeviceOps {
  readonly dma_unmap: DmaUnmap;
}
