/**
 * A driver that registers one device twice: the library on which it stands does, in its part of the probe, and then the
 * driver does. With it the devices on which the scenarios try it, in the kernel of the RFC and in the merged design.
 */
import { load } from '../../../actors/sync/memory.ts';
import * as rfc from '../../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../../actors/vfio/v6.6/index.ts';
import { handleAt, pool } from '../../../machines/object.ts';
import * as inRfc from '../../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../../machines/vfio/v6.6/index.ts';

/** What the driver makes of a second call that fails: nothing, for the device is registered; or it undoes the first. */
type WhenRefused = 'stays bound' | 'gives up';

interface Wanted {
  readonly vfio: inRfc.Vfio;
  readonly driver: inRfc.DeviceDriver;
  readonly device: inRfc.VfioDevice;
  /** The flags of the two calls. */
  readonly flags: readonly [library: number, driver: number];
  readonly pools?: rfc.Pools;
}

export function registersTwice({ vfio, driver, device, flags, pools = {} }: Wanted, whenRefused: WhenRefused): rfc.Driver {
  const library = rfc.vfioPci(vfio, driver, device, flags[0], pools);
  return {
    ...library,
    *probe(dev) {
      const ret = yield* library.probe(dev);
      if (ret !== 0) return ret;
      const again = yield* rfc.vfio_register_device(vfio, device, flags[1], pools);
      if (again === 0 || whenRefused === 'stays bound') return 0;
      yield* library.remove(dev);
      return again;
    },
  };
}

export function registersTwiceInMerged(pci: v6_6.VfioPci, whenRefused: WhenRefused): v6_6.Driver {
  const library = v6_6.vfio_pci_driver(pci);
  return {
    ...library,
    *probe(dev) {
      const ret = yield* library.probe(dev);
      if (ret !== 0) return ret;
      const device = (yield* load(dev.driver_data)) as merged.VfioDevice;
      const again = yield* v6_6.vfio_register_group_dev(pci.vfio, device, pci.pools, pci.ops);
      if (again === 0 || whenRefused === 'stays bound') return 0;
      yield* library.remove(dev);
      return again;
    },
  };
}

export const NAME = '0000:00:14.2';

/** A device in a group that is open, and on a container, for the sake of a sibling. */
export const rfcGroup = {
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
    workqueues: inRfc.workqueues,
    put_work: pool(inRfc.vfio_group_put_work, 2),
  },
  start: {
    ...inRfc.loaded('type1'),
    ...inRfc.registered('vfio_pci', {
      groups: [
        {
          group: 'group',
          iommu_group: 'iommu_group',
          devices: [{ device: 'sibling', dev: 'sibling_dev', name: '0000:00:14.0' }],
          opened: true,
          container: 'container',
        },
      ],
    }),
    ...inRfc.iommuSet('container', 'type1'),
    ...inRfc.inIommuGroup('iommu_group', 'sibling_dev', 'dev'),
    ...inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
  },
};

/** The same in the merged design, where the group is closed. The probe allocates the device, in the thread `admin`. */
export const mergedGroup = {
  objects: {
    vfio: merged.vfio,
    vfio_pci: merged.device_driver,
    iommu_group: merged.iommu_group,
    group: merged.vfio_group,
    sibling: merged.vfio_device,
    sibling_dev: merged.device,
    dev_set: merged.vfio_device_set,
    device: pool(merged.vfio_device, 2),
    dev: merged.device,
    other_dev: merged.device,
    df: pool(merged.vfio_device_file),
  },
  start: merged.registered({
    group: 'group',
    iommu_group: 'iommu_group',
    devices: [{ device: 'sibling', dev: 'sibling_dev', dev_set: 'dev_set', driver: 'vfio_pci', index: 1 }],
    others: ['dev', 'other_dev'],
  }),
};
export const device_of_admin = handleAt<merged.VfioDevice>('device@admin');
