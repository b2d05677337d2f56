/**
 * drivers/vfio/pci/vfio_pci_core.c, v6.12: as in v6.6, but for the mappings of BARs. All files of a device share an inode
 * (since v6.10), so that its mappings are found by that and no more by a list of its own, whose lock had to come before the
 * memory_lock and after that of the user's mappings. Who zaps them has the memory_lock by now, and nobody maps them again.
 */
import type { VmAreaStruct } from '../../../machines/driver-core/mm.ts';
import type { Vfio, VfioDeviceFile, VfioDeviceSet } from '../../../machines/vfio/v6.6/index.ts';
import type { CoreDevice, PciDev } from '../../../machines/vfio/v6.6/pci.ts';
import type { VfioPciCoreDevice } from '../../../machines/vfio/v6.12/pci.ts';
import { type Fault, readMapped, unmap_mapping_range, vmf_insert_pfn } from '../../driver-core/mm.ts';
import { type Bus, pci_reset_bus } from '../../driver-core/pci.ts';
import { follow } from '../../driver-core/pointer.ts';
import type { Operation } from '../../step.ts';
import { load } from '../../sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import { down_read, down_write_trylock, up_read, up_write } from '../../sync/rwsem.ts';
import { EBUSY, EINVAL } from '../errno.ts';
import {
  type Descriptor,
  eachInSet,
  type GroupFiles,
  ioctl,
  pdevOf,
  vfio_dev_in_groups,
  vfio_pci_dev_set_resettable,
  vfio_pci_ioctl_pci_hot_reset,
} from '../v6.6/vfio_pci_core.ts';

const vfio_pci_zap_bars = (vdev: VfioPciCoreDevice): Operation => unmap_mapping_range(vdev);

/** One page at a time. */
function* vfio_pci_mmap_fault(vma: VmAreaStruct): Operation<Fault> {
  const vdev = (yield* follow(vma.vm_private_data)) as VfioPciCoreDevice;
  let ret: Fault = 'VM_FAULT_SIGBUS';
  yield* down_read(vdev.memory_lock);
  if (yield* load(vdev.vconfig_memory)) {
    const pdev = yield* pdevOf(vdev);
    yield* vmf_insert_pfn(vma, pdev.function);
    ret = 'VM_FAULT_NOPAGE';
  }
  yield* up_read(vdev.memory_lock);
  return ret;
}

/** A load of the user from a BAR that he has mapped with mmap(2). @returns whether it got there; else he gets a SIGBUS */
export const readBar = (vma: VmAreaStruct, pdev: PciDev): Operation<boolean> =>
  readMapped(vma, pdev.function, vfio_pci_mmap_fault);

function* vfio_pci_dev_set_hot_reset(bus: Bus<PciDev>, dev_set: VfioDeviceSet, groups: GroupFiles): Operation<number> {
  yield* mutex_lock(dev_set.lock);
  const ret = (yield* vfio_pci_dev_set_resettable(bus, dev_set)) ? yield* resetSet(bus, dev_set, groups) : -EINVAL;
  yield* mutex_unlock(dev_set.lock);
  return ret;
}

/** It goes back over the devices that it has come to, the last one first. */
function* resetSet(bus: Bus<PciDev>, dev_set: VfioDeviceSet, groups: GroupFiles): Operation<number> {
  const locked: CoreDevice[] = [];
  const refused = yield* eachInSet<VfioPciCoreDevice, number | undefined>(dev_set, function* (vdev) {
    if (!(yield* vfio_dev_in_groups(vdev, groups))) return -EINVAL;
    if (!(yield* down_write_trylock(vdev.memory_lock))) return -EBUSY;
    yield* vfio_pci_zap_bars(vdev);
    locked.unshift(vdev);
    return undefined;
  });
  const ret = refused ?? (yield* pci_reset_bus(bus));
  for (const vdev of locked) yield* up_write(vdev.memory_lock);
  return ret;
}

/** @param fds the descriptors that the user gives, of all groups that the reset concerns */
export const VFIO_DEVICE_PCI_HOT_RESET = (
  vfio: Vfio,
  bus: Bus<PciDev>,
  df: VfioDeviceFile,
  fds: readonly Descriptor[],
): Operation<number> => ioctl(vfio, df, (vdev) => vfio_pci_ioctl_pci_hot_reset(vfio, bus, vdev, fds, vfio_pci_dev_set_hot_reset));
