/**
 * Two devices of one name on two buses: each bus lets a name be used once, and /dev/vfio/devices is one directory for all.
 *
 * The RFC names a node after the device beneath it, on the premise that names of different buses look different. Nothing
 * says so; those of platform and AMBA devices, for one, are made by one rule (of_device_make_bus_id()). The second of two
 * such probes is told by sysfs that the name is taken, with a complaint and a stack, and fails.
 *
 * The review asked for numbers or for a directory per type. Since v6.1 a device is called vfio%d (3c28a76124b2), after a
 * number that it has from its allocation to its release.
 */
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import { EEXIST } from '../../machines/sync/errno.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { oneOwner } from '../laws/one-owner.ts';

const NAME = 'fe000000.dma-controller';

const of_platform = local<number>('of_platform');
const of_amba = local<number>('of_amba');

export default defineScenario({
  name: 'node-name-collision',
  summary: 'Two devices on two buses have one name, and only one of them gets a node',
  assumes: 'Two buses have a device of one name, and both are bound to drivers of VFIO that expose a node.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-6'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      objects: {
        vfio: inRfc.vfio,
        vfio_platform: inRfc.device_driver,
        vfio_amba: inRfc.device_driver,
        platform_device: inRfc.vfio_device,
        platform_dev: inRfc.device,
        amba_device: inRfc.vfio_device,
        amba_dev: inRfc.device,
      },
      start: inRfc.initialised(
        { device: 'platform_device', dev: 'platform_dev', name: NAME },
        { device: 'amba_device', dev: 'amba_dev', name: NAME },
      ),
      threads: ({ vfio, vfio_platform, vfio_amba, platform_device, platform_dev, amba_device, amba_dev }) => {
        const driver = (of: inRfc.DeviceDriver, device: inRfc.VfioDevice) =>
          rfc.vfioPci(vfio, of, device, rfc.VFIO_DEVNODE_NONGROUP);
        return {
          platform: [call(rfc.device_driver_attach, driver(vfio_platform, platform_device), platform_dev).into(of_platform)],
          amba: [call(rfc.device_driver_attach, driver(vfio_amba, amba_device), amba_dev).into(of_amba)],
        };
      },
      sometimes: {
        'the platform device is refused': ({ result }) => result(of_platform) === -EEXIST && result(of_amba) === 0,
        'the AMBA device is refused': ({ result }) => result(of_amba) === -EEXIST && result(of_platform) === 0,
      },
      atEnd: { 'each has a node': ({ vfio }) => Object.keys(vfio.device_class.nodes).length === 2 },
      expect: [{ kind: 'warn', object: 'vfio.device_class', between: ['device_create', 'device_create'] }],
      leadsTo: [{ kind: 'end-state', object: 'vfio.device_class' }],
    }),
    merged: variant({
      objects: {
        vfio: inMerged.vfio,
        vfio_platform: inMerged.device_driver,
        vfio_amba: inMerged.device_driver,
        platform_group: inMerged.iommu_group,
        amba_group: inMerged.iommu_group,
        platform_set: inMerged.vfio_device_set,
        amba_set: inMerged.vfio_device_set,
        platform_dev: inMerged.device,
        amba_dev: inMerged.device,
        device: pool(inMerged.vfio_device),
        group: pool(inMerged.vfio_group),
      },
      start: {
        ...inMerged.in_iommu_group('platform_group', 'platform_dev'),
        ...inMerged.in_iommu_group('amba_group', 'amba_dev'),
      },
      threads: ({ vfio, vfio_platform, vfio_amba, platform_set, amba_set, platform_dev, amba_dev, device, group }) => {
        const pools = { vfio_device: device, vfio_group: group };
        const platform = v6_6.vfio_pci_driver({ vfio, driver: vfio_platform, dev_set: platform_set, pools });
        const amba = v6_6.vfio_pci_driver({ vfio, driver: vfio_amba, dev_set: amba_set, pools });
        return {
          platform: [call(v6_6.device_driver_attach, platform, platform_dev).into(of_platform)],
          amba: [call(v6_6.device_driver_attach, amba, amba_dev).into(of_amba)],
        };
      },
      always: {
        ...oneOwner('platform_group'),
        ...oneOwner('amba_group'),
        // "vfio%d", in /dev as in sysfs.
        'no two nodes have one name': ({ vfio }) => {
          const names = Object.values(vfio.chrdevs.cdevs).flatMap(({ node, devt }) => (node ? [devt] : []));
          return new Set(names).size === names.length;
        },
      },
      sometimes: {
        'both look for a name at once': ({ next }) =>
          next('platform') === 'ida_alloc_range' && next('amba') === 'ida_alloc_range',
      },
      atEnd: {
        'each has a node': ({ vfio, all }) =>
          Object.entries(vfio.chrdevs.cdevs).filter(([name, { node }]) => node && name.startsWith('device@')).length === 2 &&
          all('device').length === 2,
        'both probes have succeeded': ({ result }) => result(of_platform) === 0 && result(of_amba) === 0,
      },
      leaks: moduleReferences('vfio_platform', 'vfio_amba'),
      expect: [],
    }),
  },
});
