/** v3.12: one group with one device that vfio-pci has, and the back end of sPAPR, whose containers hold one group. */
import { device_lock, device_unlock } from '../../../actors/driver-core/core.ts';
import type { Operation } from '../../../actors/step.ts';
import * as v3_12 from '../../../actors/vfio/v3.12/index.ts';
import * as inV3_12 from '../../../machines/vfio/v3.12/index.ts';
import { call, type View } from '../../../src/index.ts';
import { usersNoted } from '../../laws/container-users.ts';

export const NAME = inV3_12.defaultName;
export const MINOR = 1;

export const objects = {
  vfio: inV3_12.vfio,
  vfio_pci: inV3_12.device_driver,
  spapr_tce: inV3_12.vfio_iommu_driver,
  container: inV3_12.vfio_container,
  iommu_group: inV3_12.iommu_group,
  group: inV3_12.vfio_group,
  device: inV3_12.vfio_device,
  dev: inV3_12.device,
};
type Seen = View<typeof objects>;

const inGroup = { group: 'group', iommu_group: 'iommu_group', minor: MINOR, devices: [{ device: 'device', dev: 'dev' }] };

/** Bound to vfio-pci, and nobody has opened it. */
export const bound = { ...inV3_12.loaded('spapr_tce'), ...inV3_12.registered('vfio_pci', inGroup) };

/** User space has the group open, on no container yet. */
export const opened = { ...inV3_12.loaded('spapr_tce'), ...inV3_12.registered('vfio_pci', { ...inGroup, opened: true }) };

/** User space has the group open, and has set the IOMMU of its container. */
export const ready = inV3_12.ready('vfio_pci', 'spapr_tce', { ...inGroup, container: 'container' });

/** User space had, and is gone; what it had registered is still KVM's. */
export const keptByKvm = {
  ...ready,
  'group.kref': { n: 2 },
  'group.opened': { n: 0 },
  'group.users': { attached: 0, external: 1 },
  'group.chart': { initially: 'orphaned' },
  'container.kref': { n: 1 },
};

interface Bound {
  readonly vfio: inV3_12.Vfio;
  readonly vfio_pci: inV3_12.DeviceDriver;
  readonly dev: inV3_12.Device;
}
function* remove({ vfio, vfio_pci, dev }: Bound): Operation {
  yield* device_lock(dev);
  yield* v3_12.vfio_pci_driver(vfio, vfio_pci).remove(dev);
  yield* device_unlock(dev);
}
/** Of a write to `unbind` the remove, without what the driver core says of it to those who listen. */
export const unbind = (bound: Bound) => call(remove, { vfio: bound.vfio, vfio_pci: bound.vfio_pci, dev: bound.dev });

export const usersLaw = usersNoted('group');

/** What is there when the device is unbound and nobody uses its group any more, and should not be. */
export const leaks = {
  'spapr_tce.owner': ({ spapr_tce }: Seen) => spapr_tce.owner.refcnt - 1,
  container: ({ container }: Seen) => (container.freed ? 0 : container.kref.n),
  'vfio.group_idr': ({ vfio }: Seen) => Object.keys(vfio.group_idr.entries).length,
  'vfio.class': ({ vfio }: Seen) => Object.keys(vfio.class.nodes).length,
  iommu_group: ({ iommu_group }: Seen) => iommu_group.devices_kobj.n - 1 + iommu_group.notifier_head.blocks.length,
};
