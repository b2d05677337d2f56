/**
 * One device that is bound to its driver and registered, alone in its group or, in the RFC, without one: who unbinds it,
 * and by what its driver asks its user to let go.
 */
import { access, type Operation } from '../../../actors/step.ts';
import { worker_thread } from '../../../actors/sync/work.ts';
import * as rfc from '../../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_5 from '../../../actors/vfio/v6.5/index.ts';
import * as v6_6 from '../../../actors/vfio/v6.6/index.ts';
import { globals, type HandleTo, type Json, pool } from '../../../machines/object.ts';
import { type Completion, completion } from '../../../machines/sync/completion.ts';
import * as inRfc from '../../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../../machines/vfio/v6.6/index.ts';
import { call, daemon, type View } from '../../../src/index.ts';

export const NAME = '0000:00:14.2';

/** The eventfd by which vfio-pci asks a user to let go. The user does not read it, so that once asked it stays asked. */
export const eventfd = globals('eventfd', { asked: completion() });
interface Eventfd extends HandleTo<typeof eventfd> {}

const eventfd_signal = access<Completion, 'complete_all'>('signal', 'complete_all', { c: 'eventfd_signal(vdev->req_trigger)' });
export const poll = access<Completion, 'wait_for_completion'>('wait', 'wait_for_completion', { c: 'poll(eventfd)' });

/** vfio_pci_core_request() */
const request = ({ asked }: Eventfd) => ({ request: () => eventfd_signal(asked) });

/* ---- RFC 02/20 and 03/20 ---- */

interface RfcNode {
  readonly vfio: inRfc.Vfio;
  readonly vfio_pci: inRfc.DeviceDriver;
  readonly device: inRfc.VfioDevice;
  readonly dev: inRfc.Device;
  readonly eventfd: Eventfd;
}

export const rfcNode = {
  objects: { vfio: inRfc.vfio, vfio_pci: inRfc.device_driver, device: inRfc.vfio_device, dev: inRfc.device, eventfd },
  start: inRfc.registered('vfio_pci', { devices: [{ device: 'device', dev: 'dev', name: NAME, minor: 0 }] }),
  /** A write to `unbind`. */
  unbind: ({ vfio, vfio_pci, device, dev, eventfd }: RfcNode) => {
    const ops = { ...rfc.vfio_device_ops, ...request(eventfd) };
    return call(rfc.device_driver_detach, rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_NONGROUP, {}, ops), dev);
  },
};

/** What is there when the device is unbound and closed, and should not be. */
export const rfcNodeLeaks = {
  'vfio.device_idr': ({ vfio }: Of<RfcNodeObjects>) => Object.keys(vfio.device_idr.entries).length,
  'vfio.device_class': ({ vfio }: Of<RfcNodeObjects>) => Object.keys(vfio.device_class.nodes).length,
  'vfio.device_list': ({ vfio }: Of<RfcNodeObjects>) => vfio.device_list.entries.length,
  'vfio_pci.owner': ({ vfio_pci }: Of<RfcNodeObjects>) => vfio_pci.owner.refcnt - 1,
};
type RfcNodeObjects = typeof rfcNode.objects;
type Of<O> = Omit<View<O>, 'all'>;

interface RfcGroup extends RfcNode {
  readonly unbound: inRfc.VfioUnboundDev;
  readonly put_work: inRfc.VfioGroupPutWork;
  readonly workqueues: HandleTo<typeof inRfc.workqueues>;
}

const rfcPuts = ({ put_work, workqueues }: RfcGroup) => ({
  vfio_group_put_work: put_work,
  system_wq: workqueues.system_wq,
});

function* remove({ vfio, device, dev, eventfd, unbound }: Omit<RfcGroup, 'put_work' | 'workqueues'>): Operation {
  yield* rfc.device_lock(dev);
  yield* rfc.vfio_pci_remove(vfio, device, { vfio_unbound_dev: unbound }, { ...rfc.vfio_device_ops, ...request(eventfd) });
  yield* rfc.device_unlock(dev);
}

/** User space has the group open, on a container with an IOMMU. */
export const rfcGroup = {
  objects: {
    ...rfcNode.objects,
    type1: inRfc.vfio_iommu_driver,
    container: inRfc.vfio_container,
    iommu_group: inRfc.iommu_group,
    group: inRfc.vfio_group,
    workqueues: inRfc.workqueues,
    unbound: pool(inRfc.vfio_unbound_dev),
    put_work: pool(inRfc.vfio_group_put_work),
  },
  /** @param siblings the names of other devices in the group, whose objects go by them */
  start: (...siblings: readonly string[]) => ({
    ...inRfc.loaded('type1'),
    ...inRfc.registered('vfio_pci', {
      groups: [
        {
          group: 'group',
          iommu_group: 'iommu_group',
          devices: [
            ...siblings.map((name) => ({ device: name, dev: `${name}_dev`, name })),
            { device: 'device', dev: 'dev', name: NAME },
          ],
          opened: true,
          container: 'container',
        },
      ],
    }),
    ...inRfc.inIommuGroup('iommu_group', ...siblings.map((name) => `${name}_dev`), 'dev'),
    ...inRfc.iommuSet('container', 'type1'),
  }),
  unbind: (objects: RfcGroup) => {
    const { vfio, vfio_pci, device, dev, eventfd, unbound } = objects;
    const ops = { ...rfc.vfio_device_ops, ...request(eventfd) };
    const driver = rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_GROUP, { vfio_unbound_dev: unbound }, ops);
    return call(rfc.device_driver_detach, driver, dev, rfc.iommuGroupNotifiers(vfio, rfcPuts(objects)));
  },
  /** The remove alone, under the lock of the device: without what the driver core says of it to those who listen. */
  remove: (objects: Omit<RfcGroup, 'put_work' | 'workqueues'>) => call(remove, objects),
  kworker: ({ vfio, workqueues }: RfcGroup) => daemon([call(worker_thread, workqueues.system_wq, rfc.workFunctions(vfio))]),
};

/** Likewise, when the group and the container are closed, too. */
export const rfcGroupLeaks = {
  'vfio.group_idr': ({ vfio }: Of<RfcGroupObjects>) => Object.keys(vfio.group_idr.entries).length,
  'vfio.class': ({ vfio }: Of<RfcGroupObjects>) => Object.keys(vfio.class.nodes).length,
  'vfio_pci.owner': ({ vfio_pci }: Of<RfcGroupObjects>) => vfio_pci.owner.refcnt - 1,
  'type1.owner': ({ type1 }: Of<RfcGroupObjects>) => type1.owner.refcnt - 1,
  iommu_group: ({ iommu_group }: Of<RfcGroupObjects>) => iommu_group.devices_kobj.n - 1 + iommu_group.notifier_head.blocks.length,
};
type RfcGroupObjects = typeof rfcGroup.objects;

/* ---- v6.6, and v6.5 ---- */

interface Merged {
  readonly vfio: inMerged.Vfio;
  readonly vfio_pci: inMerged.DeviceDriver;
  readonly dev: inMerged.Device;
  readonly dev_set: inMerged.VfioDeviceSet;
  readonly eventfd: Eventfd;
}

const inGroup = {
  group: 'group',
  iommu_group: 'iommu_group',
  devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
};

const pciDriver = ({ vfio, vfio_pci, dev_set, eventfd }: Merged): v6_6.VfioPci => ({
  vfio,
  driver: vfio_pci,
  dev_set,
  pools: {},
  ops: { ...v6_6.vfio_device_ops, ...request(eventfd) },
});

export const merged = {
  objects: {
    vfio: inMerged.vfio,
    vfio_pci: inMerged.device_driver,
    iommu_group: inMerged.iommu_group,
    group: inMerged.vfio_group,
    dev_set: inMerged.vfio_device_set,
    device: inMerged.vfio_device,
    dev: inMerged.device,
    df: pool(inMerged.vfio_device_file),
    eventfd,
  },
  start: inMerged.registered(inGroup),
  unbind: (objects: Merged) => call(v6_6.device_driver_detach, v6_6.vfio_pci_driver(pciDriver(objects)), objects.dev),
};

/** What is there when the device and its group are unbound and closed, and should not be. */
export const mergedLeaks = {
  'vfio.device_ida': ({ vfio }: Of<MergedObjects>) => vfio.device_ida.ids.length,
  'vfio.group_ida': ({ vfio }: Of<MergedObjects>) => vfio.group_ida.ids.length,
  'vfio.chrdevs': ({ vfio }: Of<MergedObjects>) => Object.keys(vfio.chrdevs.cdevs).length,
  'vfio.devices_kset': ({ vfio }: Of<MergedObjects>) => vfio.devices_kset.entries.length,
  'dev_set.device_list': ({ dev_set }: Of<MergedObjects>) => dev_set.device_list.entries.length,
  'iommu_group.owner_cnt': ({ iommu_group }: Of<MergedObjects>) => iommu_group.owner_cnt.value,
  'iommu_group.devices_kobj': ({ iommu_group }: Of<MergedObjects>) => iommu_group.devices_kobj.n - 1,
  'vfio_pci.owner': ({ vfio_pci }: Of<MergedObjects>) => vfio_pci.owner.refcnt - 1,
};
type MergedObjects = typeof merged.objects;

/** User space has the group open, on a container with an IOMMU. */
export const mergedGroup = {
  objects: { ...merged.objects, container: inMerged.vfio_container, file: inMerged.file },
  start: inMerged.registered({ ...inGroup, opened: { file: 'file', container: 'container' } }),
  unbind: merged.unbind,
};

const { device: _hasNoNode, ...cdevs } = (mergedGroup.start['vfio.chrdevs'] ?? {})['cdevs'] as {
  readonly [device: string]: Json;
};

/** The same before devices had nodes, and cdevs that hold them. */
export const v6_5Group = {
  objects: mergedGroup.objects,
  start: { ...mergedGroup.start, 'device.kobj': { n: 1 }, 'vfio.chrdevs': { cdevs } },
  unbind: (objects: Merged) => call(v6_6.device_driver_detach, v6_5.vfio_pci_driver(pciDriver(objects)), objects.dev),
};
