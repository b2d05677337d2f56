/**
 * Two functions of one card in v6.6, which a reset of their bus resets together, so that they are in one set. Each has an
 * IOMMU group of its own. A user has both groups open, on one container, and by them the first device or both.
 */
import type { Bus } from '../../../actors/driver-core/pci.ts';
import { vfio_pci_driver } from '../../../actors/vfio/v6.6/vfio_pci.ts';
import { type Descriptor, vfio_pci_ops } from '../../../actors/vfio/v6.6/vfio_pci_core.ts';
import { mm_struct, vm_area_struct } from '../../../machines/driver-core/mm.ts';
import type { HandleTo, Json } from '../../../machines/object.ts';
import * as v6_6 from '../../../machines/vfio/v6.6/index.ts';
import * as v6_12 from '../../../machines/vfio/v6.12/pci.ts';
import * as pci from '../../../machines/vfio/v6.6/pci.ts';
import type { DeviceFile } from '../../laws/bound-files.ts';
import { lawsOfMergedGroup } from '../../laws/merged-group.ts';
import { nobodyReachesInReset } from '../../laws/reset.ts';

export const objects = {
  vfio: v6_6.vfio,
  vfio_pci: v6_6.device_driver,
  container: v6_6.vfio_container,
  dev_set: v6_6.vfio_device_set,
  bus: pci.pci_bus,
  mm: mm_struct,

  iommu_group_a: v6_6.iommu_group,
  group_a: v6_6.vfio_group,
  file_a: v6_6.file,
  pdev_a: pci.pci_dev,
  vdev_a: pci.vfio_pci_core_device,
  df_a: v6_6.vfio_device_file,
  vma_a: vm_area_struct,

  iommu_group_b: v6_6.iommu_group,
  group_b: v6_6.vfio_group,
  file_b: v6_6.file,
  pdev_b: pci.pci_dev,
  vdev_b: pci.vfio_pci_core_device,
  df_b: v6_6.vfio_device_file,
  vma_b: vm_area_struct,
};
/** The same in v6.12. */
export const objectsV6_12 = { ...objects, vdev_a: v6_12.vfio_pci_core_device, vdev_b: v6_12.vfio_pci_core_device };
type Handles = { readonly [K in keyof typeof objects]: HandleTo<(typeof objects)[K]> };

type Name = 'a' | 'b';
type Start = { readonly [path: string]: { readonly [field: string]: Json } };
const at = (name: string) => ({ value: { at: name } });

const group = (name: Name) => ({
  group: `group_${name}`,
  iommu_group: `iommu_group_${name}`,
  minor: name === 'a' ? 0 : 1,
  devices: [{ device: `vdev_${name}`, dev: `pdev_${name}`, dev_set: 'dev_set', driver: 'vfio_pci', index: name === 'a' ? 0 : 1 }],
  opened: { file: `file_${name}`, container: 'container' },
});

/** The device is open by its group, once. */
const openDevice = (name: Name): Start => ({
  [`vdev_${name}.refcount`]: { n: 2 },
  [`vdev_${name}.open_count`]: { value: 1 },
  [`vdev_${name}.pci_saved_state`]: { value: true },
  [`vdev_${name}.chart`]: { initially: 'open' },
  [`group_${name}.container_users`]: { value: 2 },
  [`file_${name}.f_count`]: { f_count: 2 },
  [`df_${name}.device`]: at(`vdev_${name}`),
  [`df_${name}.group`]: at(`group_${name}`),
  [`df_${name}.access_granted`]: { value: true },
  [`df_${name}.chart`]: { initially: 'granted' },
});

/** A BAR of the device is mapped, with mmap(2). */
const mapped = (name: Name): Start => ({
  [`vma_${name}.vm_mm`]: at('mm'),
  [`vma_${name}.vm_private_data`]: at(`vdev_${name}`),
});

const opened = (...open: readonly Name[]): Start => ({
  ...v6_6.registered(group('a'), group('b')),
  ...pci.on_bus('bus', 'pdev_a', 'pdev_b'),
  'container.kref': { n: 3 },
  'container.group_list': { entries: ['group_a', 'group_b'] },
  'container.chart': { initially: 'iommu_set', groups: 2 },
  'vfio_pci.owner': { refcnt: 1 + open.length },
  ...Object.assign({}, ...open.map(openDevice)),
  ...mapped('a'),
  ...mapped('b'),
  // That of the first device was used.
  'vma_a.ptes': { initially: 'filled' },
});

/** @param open the devices that are open */
export const start = (...open: readonly Name[]): Start => ({
  ...opened(...open),
  'vma_a.vma_next': { on: 'vdev_a.vma_list', initialised: true },
  'vdev_a.vma_list': { entries: ['vma_a'] },
});

/** The same in v6.12. */
export const startV6_12 = (...open: readonly Name[]): Start => ({
  ...opened(...open),
  ...Object.assign(
    {},
    ...(['a', 'b'] as const).map((name) => ({
      [`vma_${name}.shared`]: { on: `vdev_${name}.i_mmap`, initialised: true },
      [`vdev_${name}.i_mmap`]: { entries: [`vma_${name}`] },
    })),
  ),
});

export const busOf = ({ bus, pdev_a, pdev_b }: Pick<Handles, 'bus' | 'pdev_a' | 'pdev_b'>): Bus<pci.PciDev> => ({
  bus,
  functions: [pdev_a, pdev_b],
});

const lawsOf = (name: Name) =>
  lawsOfMergedGroup(
    { group: `group_${name}`, iommu_group: `iommu_group_${name}`, devices: [`vdev_${name}`] } as const,
    (view: { readonly [df in `df_${Name}`]: DeviceFile }) => [view[`df_${name}`]],
  );
export const laws = { ...nobodyReachesInReset('pdev_a', 'pdev_b'), ...lawsOf('a'), ...lawsOf('b') };

type Files = Pick<Handles, 'file_a' | 'group_a' | 'file_b' | 'group_b'>;
/** What the user gives to show that all that will be reset is his. */
export const groupsOf = ({ file_a, group_a, file_b, group_b }: Files): readonly [Descriptor, Descriptor] => [
  { file: file_a, group: group_a },
  { file: file_b, group: group_b },
];

type Driver = Pick<Handles, 'vfio' | 'vfio_pci' | 'dev_set' | 'bus' | 'pdev_a' | 'pdev_b'>;
export const driverOf = (of: Driver) =>
  vfio_pci_driver({ vfio: of.vfio, driver: of.vfio_pci, dev_set: of.dev_set, pools: {}, ops: vfio_pci_ops(busOf(of)) });
