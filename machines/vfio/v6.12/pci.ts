/** struct vfio_pci_core_device at v6.12 (include/linux/vfio_pci_core.h): its mappings are those of an inode of its own. */
import { addressSpaceParts } from '../../driver-core/mm.ts';
import { type HandleTo, struct } from '../../object.ts';
import { coreDeviceParts } from '../v6.6/pci.ts';

export const vfio_pci_core_device = struct('vfio_pci_core_device', {
  ...coreDeviceParts,
  /** `inode->i_mapping` */
  ...addressSpaceParts(),
});
export interface VfioPciCoreDevice extends HandleTo<typeof vfio_pci_core_device> {}
