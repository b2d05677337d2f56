/**
 * A registration that fails in its second half is undone by the unregistration, which is made for a device that has had a
 * life: it waits until nobody has the device open. Here it is a probe that waits, under the lock of the device.
 *
 * As soon as the first half has put the device on its group's list, whoever has the group open may open it, and the
 * driver's open runs. Then the second half fails: for want of memory, or because the name is taken, as /dev/vfio/devices
 * is one flat directory for the names of devices of all buses. The probe now hangs on a user who knows nothing of it. Its
 * driver is called to ask that user to let go, before its own registration has returned. Everybody else who needs the lock
 * of the device, to unbind, rescan or remove it, is stuck behind: these are the tasks of which the kernel complains.
 *
 * In the merged design what can fail comes first. The device is counted and listed when its node is there, so that an
 * error path finds nobody to wait for; and there is no name to clash, as a device is called after its number.
 */
import type { Operation } from '../../actors/step.ts';
import { load } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { ENODEV, ENOMEM } from '../../actors/vfio/errno.ts';
import { handleAt, type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, type Variant, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { outOfMemory } from './setup/out-of-memory.ts';
import { mergedSibling, NAME, rfcSibling } from './setup/with-sibling.ts';

const probed = local<number>('probed');
const fd = local<inRfc.VfioDevice | merged.VfioDeviceFile | number>('fd');
const node = local<merged.VfioDeviceFile | number>('node');

/** Of struct vfio_pci_device what its request callback looks at. */
const vfio_pci_device = struct('vfio_pci_device', {
  ...inRfc.vfio_device.parts,
  igate: mutex(),
  /** Whether the user has an eventfd there. */
  req_trigger: field<boolean>(false),
});
interface VfioPciDevice extends HandleTo<typeof vfio_pci_device> {}

/** drivers/vfio/pci/vfio_pci.c, v5.14: signals the user or, the first time, says that there is no way to. */
function* vfio_pci_request(core_vdev: inRfc.VfioDevice): Operation {
  const vdev = handleAt<VfioPciDevice>(core_vdev.path);
  yield* mutex_lock(vdev.igate);
  yield* load(vdev.req_trigger);
  yield* mutex_unlock(vdev.igate);
}

interface Design {
  readonly summary: string;
  readonly driver: (driver: rfc.Driver) => rfc.Driver;
  readonly expect: Variant['expect'];
  readonly leadsTo?: Variant['leadsTo'];
}

/** @param neighbour the name of a device of another bus, which has a node of its own */
const rfcWith = (neighbour: string, { driver: bound, ...design }: Design) =>
  variant({
    ...design,
    objects: { ...rfcSibling.objects, device: vfio_pci_device, neighbour: inRfc.vfio_device, neighbour_dev: inRfc.device },
    start: rfcSibling.start({ device: 'neighbour', dev: 'neighbour_dev', name: neighbour, minor: 0 }),
    threads: ({ vfio, vfio_pci, group, device, dev, unbound }) => {
      const flags = rfc.VFIO_DEVNODE_GROUP | rfc.VFIO_DEVNODE_NONGROUP;
      const ops = { ...rfc.vfio_device_ops, request: vfio_pci_request };
      const driver = rfc.vfioPci(vfio, vfio_pci, device, flags, { vfio_unbound_dev: unbound }, ops);
      return {
        prober: [call(rfc.device_driver_attach, bound(driver), dev).into(probed)],
        user: [call(rfc.vfio_group_get_device_fd, vfio, group, NAME, ops).into(fd)],
        admin: [call(rfc.device_driver_detach, driver, dev)],
      };
    },
    always: { 'the device is freed only when nobody has it': ({ device }) => !device.freed || device.refcount.n === 0 },
    sometimes: {
      'nobody was quick, and the probe fails': ({ result }) => typeof result(fd) === 'number' && Number(result(probed)) < 0,
      'the driver is asked to let go before its probe has returned': ({ device }) => device.igate.owner === 'prober',
      'the probe waits for the user': ({ next, result }) =>
        next('prober') === 'wait_for_completion' && typeof result(fd) === 'object',
    },
  });

const stuck: Variant['expect'] = [
  { kind: 'starvation', object: 'device.comp', between: ['wait_for_completion', 'wait_for_completion'] },
  { kind: 'hung-task', object: 'dev.mutex', between: ['mutex_lock', 'mutex_lock'] },
];

export default defineScenario({
  name: 'register-undone-by-unregister',
  summary: 'A registration that fails halfway waits, within probe, for a user who was quick',
  assumes: 'The user has the group open, on a container, opens what appears in it, and keeps it.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device()',
  covers: ['Y-4'],
  tags: ['seed-002'],
  variants: {
    rfc: rfcWith('0000:00:15.0', {
      summary: 'There is no memory for the device of the node.',
      driver: (driver) => outOfMemory('device_create', driver),
      expect: stuck,
    }),
    'rfc-name-clash': rfcWith(NAME, {
      summary: 'A device of another bus has the name already.',
      driver: (driver) => driver,
      // Y-6, by which this comes about.
      expect: [{ kind: 'warn', object: 'vfio.device_class' }],
      leadsTo: stuck,
    }),
    merged: variant({
      summary: 'There is no memory for the device of the node; it is not yet listed, and cannot be got.',
      objects: { ...mergedSibling.objects, file: merged.file },
      start: mergedSibling.opened,
      threads: ({ vfio, vfio_pci, group, dev_set, device, dev, df }) => {
        const driver = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device } });
        const its_node = handleAt<merged.VfioDevice>('device@prober');
        return {
          prober: [call(v6_6.device_driver_attach, outOfMemory('sysfs_create_dir_ns', driver), dev).into(probed)],
          user: [call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).into(fd)],
          node_user: [call(v6_6.openDevice, vfio, its_node, { vfio_device_file: df }).into(node)],
          admin: [call(v6_6.device_driver_detach, driver, dev)],
        };
      },
      always: {
        ...mergedGroupLaws('sibling'),
        'nobody can get a device whose registration can fail': ({ all }) =>
          all('device').every(({ refcount }) => refcount.n === 0),
      },
      sometimes: {
        'the user asks in the middle of the registration': ({ result, all }) =>
          result(fd) === -ENODEV && all('device').some((device) => device.group.value.at === 'group' && !device.freed),
      },
      atEnd: { 'the probe has failed': ({ result }) => result(probed) === -ENOMEM },
      leaks: {
        ...moduleReferences('vfio_pci'),
        device: ({ all }) => all('device').filter(({ freed }) => !freed).length,
        'group.drivers': ({ group }) => group.drivers.n - 1,
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length - 1,
        'dev_set.device_list': ({ dev_set }) => dev_set.device_list.entries.length - 1,
        // One for each device in it, and the vfio_group's.
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 3,
      },
      expect: [],
    }),
  },
});
