/**
 * v3.12 to v3.18: one function, alone on its bus and in its IOMMU group, which vfio-pci has. A user has its group open, on a
 * container with an IOMMU, and by it the device.
 */
import type { Bus } from '../../../actors/driver-core/pci.ts';
import type { Operation } from '../../../actors/step.ts';
import * as v3_12 from '../../../actors/vfio/v3.12/index.ts';
import type { HandleTo } from '../../../machines/object.ts';
import * as inV3_12 from '../../../machines/vfio/v3.12/index.ts';
import * as pci from '../../../machines/vfio/v3.12/pci.ts';

export const objects = {
  vfio: inV3_12.vfio,
  vfio_pci: inV3_12.device_driver,
  spapr_tce: inV3_12.vfio_iommu_driver,
  container: inV3_12.vfio_container,
  iommu_group: inV3_12.iommu_group,
  group: inV3_12.vfio_group,
  file: inV3_12.file,
  device: inV3_12.vfio_device,
  pdev: pci.pci_dev,
  bus: pci.pci_bus,
  vdev: pci.vfio_pci_device,
};
/** The same from v3.17 on. */
export const lockedObjects = { ...objects, vdev: pci.locked_vfio_pci_device, vfio_pci_c: pci.vfio_pci_c };

const bound = {
  group: 'group',
  iommu_group: 'iommu_group',
  devices: [{ device: 'device', dev: 'pdev' }],
  container: 'container',
};
const at = (name: string) => ({ value: { at: name } });

/** The group is open and has its IOMMU; nobody has opened the device. */
export const ready = {
  ...inV3_12.ready('vfio_pci', 'spapr_tce', bound),
  'file.private_data': at('group'),
  'device.device_data': at('vdev'),
  'vdev.pdev': at('pdev'),
  'bus.devices': { entries: ['pdev'] },
  'pdev.bus_list': { on: 'bus.devices', initialised: true },
};

/** The device is open, once. */
export const openedOnce = {
  ...ready,
  'device.kref': { n: 2 },
  'group.kref': { n: 3 },
  'group.container_users': { n: 2 },
  'group.users': { attached: 1, devices: 1, external: 0 },
  'vfio_pci.owner': { refcnt: 2 },
  'vdev.pci_saved_state': { value: true },
  'vdev.refcnt': { n: 1 },
};

/** From v3.17 on, with a second function in the same IOMMU group, which vfio-pci has, and which is closed. */
export const siblingObjects = {
  ...lockedObjects,
  sibling: inV3_12.vfio_device,
  sibling_pdev: pci.pci_dev,
  sibling_vdev: pci.locked_vfio_pci_device,
};
export const openedBesideSibling = {
  ...openedOnce,
  ...inV3_12.ready('vfio_pci', 'spapr_tce', {
    ...bound,
    devices: [...bound.devices, { device: 'sibling', dev: 'sibling_pdev', name: '0000:00:14.2' }],
  }),
  'group.kref': { n: 4 },
  'group.container_users': { n: 2 },
  'group.users': { attached: 1, devices: 1, external: 0 },
  'vdev.refcnt': { value: 1 },
  'sibling.device_data': at('sibling_vdev'),
  'sibling_vdev.pdev': at('sibling_pdev'),
  'bus.devices': { entries: ['pdev', 'sibling_pdev'] },
  'sibling_pdev.bus_list': { on: 'bus.devices', initialised: true },
};

/** It cannot be reset by itself. */
export const noFunctionReset = { 'pdev.reset_supported': { value: false }, 'vdev.reset_works': { value: false } };

type Handles = { readonly [K in keyof typeof objects]: HandleTo<(typeof objects)[K]> };

export const busOf = ({ bus, pdev }: Pick<Handles, 'bus' | 'pdev'>): Bus<pci.PciDev> => ({ bus, functions: [pdev] });

function* none(): Operation<number> {
  return 0;
}

/**
 * A process that opens the device by its group, asks for what it has to, and exits, which closes it.
 * @returns what the ioctl gave, or why the device could not be opened
 */
export function* process(
  { vfio, group }: Pick<Handles, 'vfio' | 'group'>,
  ops: v3_12.VfioDeviceOps,
  ioctl: (device: inV3_12.VfioDevice) => Operation<number> = none,
): Operation<number> {
  const fd = yield* v3_12.vfio_group_get_device_fd(vfio, group, inV3_12.defaultName, ops);
  if (typeof fd === 'number') return fd;
  const ret = yield* ioctl(fd);
  yield* v3_12.vfio_device_fops_release(vfio, fd, ops);
  return ret;
}

/** What the driver core tells those who listen to the IOMMU group. */
export const listeners = ({ vfio }: Pick<Handles, 'vfio'>) => v3_12.iommu_group_notifiers(vfio);
