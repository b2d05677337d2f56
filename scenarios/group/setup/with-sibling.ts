/**
 * A group of two devices. One is vfio-pci's, as which it starts; the sibling has no driver, vfio-pci, or one of the host.
 * In the kernel of v3.12, in that of v5.14, and in that of v6.6.
 */
import { worker_thread } from '../../../actors/sync/work.ts';
import * as rfc from '../../../actors/vfio/rfc-2021-09/index.ts';
import * as v3_12 from '../../../actors/vfio/v3.12/index.ts';
import { type HandleTo, pool } from '../../../machines/object.ts';
import * as inV5_14 from '../../../machines/vfio/rfc-2021-09/index.ts';
import * as inV3_12 from '../../../machines/vfio/v3.12/index.ts';
import * as inMerged from '../../../machines/vfio/v6.6/index.ts';
import { call, daemon } from '../../../src/index.ts';

export const NAME = '0000:00:14.0';
export const SIBLING = '0000:00:14.2';
export const MINOR = 1;

const device = { device: 'device', dev: 'dev', name: NAME };
const inGroup = { group: 'group', iommu_group: 'iommu_group', minor: MINOR, devices: [device] };

/* ---- v3.12 ---- */

interface V3_12 {
  readonly vfio: inV3_12.Vfio;
  readonly vfio_pci: inV3_12.DeviceDriver;
  readonly e1000e: inV3_12.DeviceDriver;
  readonly dev: inV3_12.Device;
  readonly sibling_dev: inV3_12.Device;
}

const old = {
  objects: {
    vfio: inV3_12.vfio,
    vfio_pci: inV3_12.device_driver,
    e1000e: inV3_12.device_driver,
    iommu_group: inV3_12.iommu_group,
    group: inV3_12.vfio_group,
    device: inV3_12.vfio_device,
    dev: inV3_12.device,
    sibling_dev: inV3_12.device,
  },
  start: { 'e1000e.name': { value: 'e1000e' } },
};

export const v3_12Group = {
  ...old,
  /** Nobody has it open. */
  closed: { ...old.start, ...inV3_12.registered('vfio_pci', { ...inGroup, others: ['sibling_dev'] }) },
  /** User space has it open, on a container with an IOMMU. */
  ready: {
    ...old.start,
    ...inV3_12.ready('vfio_pci', 'type1', { ...inGroup, others: ['sibling_dev'], container: 'container' }),
  },
  unbind: ({ vfio, vfio_pci, dev }: Omit<V3_12, 'e1000e' | 'sibling_dev'>) =>
    call(v3_12.unbind_store, v3_12.vfio_pci_driver(vfio, vfio_pci), dev, v3_12.iommu_group_notifiers(vfio)),
  bindSibling: ({ vfio, e1000e, sibling_dev }: V3_12, driver: v3_12.Driver = v3_12.host_driver(e1000e)) =>
    call(v3_12.bind_store, driver, sibling_dev, v3_12.iommu_group_notifiers(vfio)),
};

/* ---- v5.14, before the RFC adds to it ---- */

interface V5_14 {
  readonly vfio: inV5_14.Vfio;
  readonly vfio_pci: inV5_14.DeviceDriver;
  readonly device: inV5_14.VfioDevice;
  readonly dev: inV5_14.Device;
  readonly unbound: inV5_14.VfioUnboundDev;
  readonly put_work: inV5_14.VfioGroupPutWork;
  readonly workqueues: HandleTo<typeof inV5_14.workqueues>;
}

const listeners = ({ vfio, put_work, workqueues }: Pick<V5_14, 'vfio' | 'put_work' | 'workqueues'>) =>
  rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq: workqueues.system_wq });

export const v5_14Group = {
  objects: {
    vfio: inV5_14.vfio,
    vfio_pci: inV5_14.device_driver,
    e1000e: inV5_14.device_driver,
    iommu_group: inV5_14.iommu_group,
    group: inV5_14.vfio_group,
    device: inV5_14.vfio_device,
    dev: inV5_14.device,
    sibling_dev: inV5_14.device,
    workqueues: inV5_14.workqueues,
    unbound: pool(inV5_14.vfio_unbound_dev),
    put_work: pool(inV5_14.vfio_group_put_work, 2),
  },
  closed: {
    ...inV5_14.registered('vfio_pci', { groups: [inGroup] }),
    ...inV5_14.inIommuGroup('iommu_group', 'dev', 'sibling_dev'),
    'e1000e.name': { value: 'e1000e' },
  },
  unbind: (all: V5_14) => {
    const { vfio, vfio_pci, device: bound, dev, unbound } = all;
    const driver = rfc.vfioPci(vfio, vfio_pci, bound, rfc.VFIO_DEVNODE_GROUP, { vfio_unbound_dev: unbound });
    return call(rfc.device_driver_detach, driver, dev, listeners(all));
  },
  bindSibling: (all: V5_14 & { readonly e1000e: inV5_14.DeviceDriver; readonly sibling_dev: inV5_14.Device }) =>
    call(rfc.device_driver_attach, rfc.hostDriver(all.e1000e), all.sibling_dev, listeners(all)),
  listeners,
  kworker: ({ vfio, workqueues }: Pick<V5_14, 'vfio' | 'workqueues'>) =>
    daemon([call(worker_thread, workqueues.system_wq, rfc.workFunctions(vfio))]),
};

/** The device is alone in its group, which nobody has open. */
export const oneDevice = {
  v3_12: inV3_12.registered('vfio_pci', inGroup),
  v5_14: { ...inV5_14.registered('vfio_pci', { groups: [inGroup] }), ...inV5_14.inIommuGroup('iommu_group', 'dev') },
};

const sibling = { device: 'sibling', dev: 'sibling_dev', name: SIBLING };
const bothInGroup = { ...inGroup, devices: [sibling, device], opened: true, container: 'container' };

/** vfio-pci has both devices, and user space the group, on a container with an IOMMU. */
export const twoDevices = {
  v3_12: {
    objects: {
      ...v3_12Group.objects,
      sibling: inV3_12.vfio_device,
      type1: inV3_12.vfio_iommu_driver,
      container: inV3_12.vfio_container,
    },
    start: inV3_12.ready('vfio_pci', 'type1', bothInGroup),
  },
  v5_14: {
    objects: {
      ...v5_14Group.objects,
      sibling: inV5_14.vfio_device,
      type1: inV5_14.vfio_iommu_driver,
      container: inV5_14.vfio_container,
    },
    start: {
      ...inV5_14.loaded('type1'),
      ...inV5_14.registered('vfio_pci', { groups: [bothInGroup] }),
      ...inV5_14.inIommuGroup('iommu_group', 'sibling_dev', 'dev'),
      ...inV5_14.iommuSet('container', 'type1'),
    },
  },
};

export const mergedTwoDevices = {
  objects: {
    vfio: inMerged.vfio,
    vfio_pci: inMerged.device_driver,
    container: inMerged.vfio_container,
    iommu_group: inMerged.iommu_group,
    group: inMerged.vfio_group,
    file: inMerged.file,
    dev_set: inMerged.vfio_device_set,
    device: inMerged.vfio_device,
    dev: inMerged.device,
    sibling: inMerged.vfio_device,
    sibling_dev: inMerged.device,
    df: pool(inMerged.vfio_device_file),
  },
  start: inMerged.registered({
    group: 'group',
    iommu_group: 'iommu_group',
    devices: [
      { device: 'sibling', dev: 'sibling_dev', dev_set: 'dev_set', driver: 'vfio_pci', index: 1 },
      { device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' },
    ],
    opened: { file: 'file', container: 'container' },
  }),
};
