/** v6.6: the same group, whose file is open; and what holds of it, where the container is guarded by the lock of the group. */
import { pool } from '../../../machines/object.ts';
import * as inMerged from '../../../machines/vfio/v6.6/index.ts';
import type { Json } from '../../../machines/object.ts';
import { mergedGroupLaws } from '../../laws/merged-group.ts';

export const objects = {
  vfio: inMerged.vfio,
  vfio_pci: inMerged.device_driver,
  container: inMerged.vfio_container,
  other: inMerged.vfio_container,
  iommu_group: inMerged.iommu_group,
  group: inMerged.vfio_group,
  file: inMerged.file,
  dev_set: inMerged.vfio_device_set,
  device: inMerged.vfio_device,
  dev: inMerged.device,
  df: pool(inMerged.vfio_device_file),
};

const inGroup = {
  group: 'group',
  iommu_group: 'iommu_group',
  devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
};

/** User space has the group open, on a container with an IOMMU. */
export const ready = inMerged.registered({ ...inGroup, opened: { file: 'file', container: 'container' } });

/** Likewise, on no container yet. */
export const opened = {
  ...inMerged.registered(inGroup),
  'vfio.chrdevs': ready['vfio.chrdevs'] as { readonly [field: string]: Json },
  'group.opened_file': { value: { at: 'file' } },
  'group.chart': { initially: 'open' },
};

export const usersLaw = mergedGroupLaws('device');
