/**
 * The structs of drivers/vfio/pci at v3.12 to v3.18 (vfio_pci_private.h), and of the PCI core beneath. There is no set: what
 * a reset concerns is found by a walk over the bus, each time anew.
 *
 * Left out: slots, so that the bus is what is reset; subordinate buses; interrupts; that a region is requested and mapped
 * for the kernel before user space maps it.
 */
import { pciBusParts, pciParts, type Saved } from '../../driver-core/pci.ts';
import { globals, type HandleOf, type HandleTo, struct } from '../../object.ts';
import { atomic } from '../../sync/atomic.ts';
import { field, pointer } from '../../sync/field.ts';
import { mutex } from '../../sync/mutex.ts';
import { device } from './vfio.ts';

export const pci_dev = struct('pci_dev', { ...device.parts, ...pciParts() });
export interface PciDev extends HandleTo<typeof pci_dev> {}

export const pci_bus = globals('pci_bus', pciBusParts());

const common = {
  pdev: pointer<PciDev>(),
  reset_works: field<boolean>(true),
  needs_reset: field<boolean>(false),
  pci_saved_state: field<Saved>(null),
};
export interface VfioPciCommon extends HandleOf<typeof common> {}

export const vfio_pci_device = struct('vfio_pci_device', { ...common, refcnt: atomic() });
export interface VfioPciDevice extends HandleTo<typeof vfio_pci_device> {}

/** The same from v3.17 on, and the lock of all of them. */
export const locked_vfio_pci_device = struct('vfio_pci_device', { ...common, refcnt: field<number>(0) });
export interface LockedVfioPciDevice extends HandleTo<typeof locked_vfio_pci_device> {}
export const vfio_pci_c = globals('vfio_pci_c', { driver_lock: mutex() });
export interface VfioPciC extends HandleTo<typeof vfio_pci_c> {}
