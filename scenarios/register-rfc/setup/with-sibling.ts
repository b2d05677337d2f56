/** A device that no driver has, in a group that VFIO has already for the sake of a sibling. */
import { pool } from '../../../machines/object.ts';
import * as inRfc from '../../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../../machines/vfio/v6.6/index.ts';

export const NAME = '0000:00:14.2';
export const SIBLING = '0000:00:14.0';

/** RFC 02/20 and 03/20. User space has the group open, on a container with an IOMMU. */
export const rfcSibling = {
  objects: {
    vfio: inRfc.vfio,
    vfio_pci: inRfc.device_driver,
    type1: inRfc.vfio_iommu_driver,
    container: inRfc.vfio_container,
    iommu_group: inRfc.iommu_group,
    group: inRfc.vfio_group,
    sibling: inRfc.vfio_device,
    sibling_dev: inRfc.device,
    device: inRfc.vfio_device,
    dev: inRfc.device,
    unbound: pool(inRfc.vfio_unbound_dev),
  },
  /** @param others devices that have a node and no group */
  start: (...others: readonly inRfc.RegisteredStart[]) => ({
    ...inRfc.loaded('type1'),
    ...inRfc.registered('vfio_pci', {
      groups: [
        {
          group: 'group',
          iommu_group: 'iommu_group',
          devices: [{ device: 'sibling', dev: 'sibling_dev', name: SIBLING }],
          opened: true,
          container: 'container',
        },
      ],
      devices: others,
    }),
    ...inRfc.iommuSet('container', 'type1'),
    ...inRfc.inIommuGroup('iommu_group', 'sibling_dev', 'dev'),
    ...inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
  }),
};

const siblingGroup = {
  group: 'group',
  iommu_group: 'iommu_group',
  devices: [{ device: 'sibling', dev: 'sibling_dev', dev_set: 'dev_set', driver: 'vfio_pci', index: 1 }],
  others: ['dev'],
};

/** v6.6 */
export const mergedSibling = {
  objects: {
    vfio: inMerged.vfio,
    vfio_pci: inMerged.device_driver,
    container: inMerged.vfio_container,
    iommu_group: inMerged.iommu_group,
    group: inMerged.vfio_group,
    dev_set: inMerged.vfio_device_set,
    sibling: inMerged.vfio_device,
    sibling_dev: inMerged.device,
    device: pool(inMerged.vfio_device),
    dev: inMerged.device,
    df: pool(inMerged.vfio_device_file),
  },
  start: inMerged.registered(siblingGroup),
  /** With a `file` among the objects, which is the group's: it is open, on a container with an IOMMU. */
  opened: inMerged.registered({ ...siblingGroup, opened: { file: 'file', container: 'container' } }),
};
