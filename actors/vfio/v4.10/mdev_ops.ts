/** What mdev core is given: the functions of its vendor, and the memory that it allocates from. */
import type { KernfsNode, Sysfs } from '../../driver-core/kernfs.ts';
import type {
  Device,
  MdevCore,
  MdevDevice,
  MdevParent,
  MdevParentOps,
  MdevType,
  VfioDevice,
  VfioMdev,
} from '../../../machines/vfio/v4.10/index.ts';
import type { Operation } from '../../step.ts';

/** struct mdev_parent_ops: where it stands, and what its functions do. */
export interface Vendor {
  readonly ops: MdevParentOps;
  readonly create: (type: MdevType, mdev: MdevDevice) => Operation<number>;
  readonly remove: (mdev: MdevDevice) => Operation<number>;
  readonly open: (mdev: MdevDevice) => Operation<number>;
  readonly release: (mdev: MdevDevice) => Operation;
  readonly read: (mdev: MdevDevice) => Operation<number>;
}

/** The globals, a parent's device with its name and its vendor, and the vfio_device of the only device that is made there. */
export interface Mdev {
  readonly mdev_core: MdevCore;
  readonly sysfs: { readonly files: Sysfs };
  readonly vfio_mdev: VfioMdev;
  readonly dev: Device;
  readonly name: string;
  readonly vendor: Vendor;
  readonly vdev: VfioDevice;
}

export interface Pools {
  readonly mdev_parent: MdevParent;
  readonly mdev_type: MdevType;
  readonly mdev_device: MdevDevice;
  readonly kernfs_node: KernfsNode;
}
