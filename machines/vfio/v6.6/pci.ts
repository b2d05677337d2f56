/**
 * The structs of drivers/vfio/pci at v6.6 (include/linux/vfio_pci_core.h), and of the PCI core beneath: a bus whose devices
 * are reset together is a device set.
 *
 * Left out: slots, so that the bus is what is reset; subordinate buses; interrupts, ioeventfds, SR-IOV, runtime power
 * management and VGA; that a region is requested and mapped for the kernel before user space maps it.
 */
import { pciBusParts, pciParts, type Saved } from '../../driver-core/pci.ts';
import { globals, type HandleOf, type HandleTo, type Json, struct } from '../../object.ts';
import { field } from '../../sync/field.ts';
import { list_head } from '../../sync/list.ts';
import { mutex } from '../../sync/mutex.ts';
import { rwsem } from '../../sync/rwsem.ts';
import { device, vfio_device } from './vfio.ts';

export const pci_dev = struct('pci_dev', { ...device.parts, ...pciParts() });
export interface PciDev extends HandleTo<typeof pci_dev> {}

export const pci_bus = globals('pci_bus', pciBusParts());

/** With its struct vfio_device, whose parts it has under their own names. */
export const coreDeviceParts = {
  ...vfio_device.parts,
  /** Of the virtual command register, which is what user space has written last. */
  vconfig_memory: field<boolean>(true),
  reset_works: field<boolean>(true),
  needs_reset: field<boolean>(false),
  pci_saved_state: field<Saved>(null),
  memory_lock: rwsem(),
};

/** What it has of its own for the mappings of its BARs was gone in v6.10. */
export const vfio_pci_core_device = struct('vfio_pci_core_device', {
  ...coreDeviceParts,
  vma_lock: mutex(),
  vma_list: list_head(),
});
/** As far as the rest of the driver knows it. */
export interface CoreDevice extends HandleOf<typeof coreDeviceParts> {}
export interface VfioPciCoreDevice extends HandleTo<typeof vfio_pci_core_device> {}

/** What `start` says of devices that are on a bus. */
export const on_bus = (
  bus: string,
  ...devs: readonly string[]
): { readonly [path: string]: { readonly [field: string]: Json } } => ({
  [`${bus}.devices`]: { entries: devs },
  ...Object.fromEntries(devs.map((dev) => [`${dev}.bus_list`, { on: `${bus}.devices`, initialised: true }])),
});
