/**
 * A number that stands for one device when its node is looked up, and for another when it is opened.
 *
 * In the RFC one cdev serves all devices. What is left of a path by the time that vfio_device_fops_open() runs is a number,
 * which it looks up in the idr. Where the device has been unbound meanwhile, and another was bound and given the lowest
 * free number, the user has the other, with the permissions of the first one's node. Nobody says a word.
 *
 * In the merged design each device has a cdev of its own. An open that has found it holds the device, and with it the
 * number, which is given back when the memory of the device is. What the design does not change is how it is found: an
 * inode that has no cdev yet, or whose cdev is gone, is opened by its number (chrdev_open() and kobj_lookup()). The window
 * from the look-up of the path to that of the number is left, as for any character device whose numbers are given again;
 * a descriptor of the node that was opened with O_PATH holds it open for as long as somebody likes.
 */
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { oneOwner } from '../laws/one-owner.ts';
import { lawsOfMergedGroup } from '../laws/merged-group.ts';

const fd = local<inRfc.VfioDevice | number>('fd');
const file = local<inMerged.VfioDeviceFile | number>('file');

const mergedObjects = {
  vfio: inMerged.vfio,
  vfio_pci: inMerged.device_driver,
  iommu_group_a: inMerged.iommu_group,
  iommu_group_b: inMerged.iommu_group,
  group_a: inMerged.vfio_group,
  group_b: pool(inMerged.vfio_group),
  dev_set: inMerged.vfio_device_set,
  dev_a: inMerged.device,
  dev_b: inMerged.device,
  device_a: inMerged.vfio_device,
  device_b: pool(inMerged.vfio_device),
  df: pool(inMerged.vfio_device_file),
};
const mergedStart = {
  ...inMerged.registered({
    group: 'group_a',
    iommu_group: 'iommu_group_a',
    devices: [{ device: 'device_a', dev: 'dev_a', dev_set: 'dev_set', driver: 'vfio_pci' }],
  }),
  ...inMerged.in_iommu_group('iommu_group_b', 'dev_b'),
};

interface Rebound {
  readonly vfio: inMerged.Vfio;
  readonly vfio_pci: inMerged.DeviceDriver;
  readonly dev_set: inMerged.VfioDeviceSet;
  readonly dev_a: inMerged.Device;
  readonly dev_b: inMerged.Device;
  readonly device_b: inMerged.VfioDevice;
  readonly group_b: inMerged.VfioGroup;
}
/** A goes, and B comes. */
const rebinds = ({ vfio, vfio_pci, dev_set, dev_a, dev_b, device_b, group_b }: Rebound) => {
  const driver = v6_6.vfio_pci_driver({
    vfio,
    driver: vfio_pci,
    dev_set,
    pools: { vfio_device: device_b, vfio_group: group_b },
  });
  return [call(v6_6.device_driver_detach, driver, dev_a), call(v6_6.device_driver_attach, driver, dev_b)];
};
const B = 'device_b@admin';

type Merged = View<typeof mergedObjects>;
const ofA = { group: 'group_a', iommu_group: 'iommu_group_a', devices: ['device_a'] } as const;
const hasB = ({ all }: Merged) => all('df').some(({ device, freed }) => !freed && device.value.at === B);
const isNumberUnique = ({ vfio }: Merged) => {
  const live = Object.values(vfio.chrdevs.cdevs).flatMap(({ refs, devt }) => (refs > 0 && devt !== '' ? [devt] : []));
  return new Set(live).size === live.length;
};

export default defineScenario({
  name: 'minor-reuse',
  summary: 'Who opens the node of a device that is unbound meanwhile gets the device that has its number by then',
  source: 'RFC 02/20 vfio: Add device class for /dev/vfio/devices',
  covers: ['Y-11'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      objects: {
        vfio: inRfc.vfio,
        vfio_pci: inRfc.device_driver,
        device_a: inRfc.vfio_device,
        dev_a: inRfc.device,
        device_b: inRfc.vfio_device,
        dev_b: inRfc.device,
      },
      start: {
        ...inRfc.registered('vfio_pci', { devices: [{ device: 'device_a', dev: 'dev_a', name: '0000:00:14.0', minor: 0 }] }),
        ...inRfc.initialised({ device: 'device_b', dev: 'dev_b', name: '0000:00:14.2' }),
      },
      threads: ({ vfio, vfio_pci, device_a, dev_a, device_b, dev_b }) => ({
        user: [call(rfc.openDevice, vfio, '0000:00:14.0').into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
        admin: [
          call(rfc.device_driver_detach, rfc.vfioPci(vfio, vfio_pci, device_a, rfc.VFIO_DEVNODE_NONGROUP), dev_a),
          call(rfc.device_driver_attach, rfc.vfioPci(vfio, vfio_pci, device_b, rfc.VFIO_DEVNODE_NONGROUP), dev_b),
        ],
      }),
      always: {
        'who has looked up the node of A does not get the heir of its number': ({ vfio, result }) => {
          const heir = vfio.device_idr.entries[0]?.at;
          const opened = result(fd);
          return typeof opened !== 'object' || opened.path !== heir || heir === 'device_a';
        },
      },
      sometimes: { 'he gets A': ({ result }) => (result(fd) as inRfc.VfioDevice | undefined)?.path === 'device_a' },
      expect: [{ kind: 'invariant', object: 'vfio.device_idr', between: ['idr_remove', 'idr_alloc'] }],
    }),
    merged: variant({
      summary: 'The open has found the cdev of A, and holds it.',
      assumes: 'The user has come to where chrdev_open() calls the open of the driver.',
      objects: mergedObjects,
      start: {
        ...mergedStart,
        'vfio.chrdevs': {
          cdevs: {
            device_a: { refs: 2, mapped: 1, i_cdev: 'device_a', node: true, devt: inMerged.deviceDevt(0) },
            group_a: { refs: 1, mapped: 1, i_cdev: null, node: true, devt: inMerged.groupDevt(0) },
          },
        },
      },
      threads: (objects) => ({
        user: [
          call(v6_6.openFoundDevice, objects.vfio, objects.device_a, { vfio_device_file: objects.df }).into(file),
          call(v6_6.closeDevice, objects.vfio, file).ifOk(file),
        ],
        admin: rebinds(objects),
      }),
      always: {
        ...lawsOfMergedGroup(ofA, ({ all }: Merged) => all('df')),
        ...oneOwner('iommu_group_b'),
        'no two devices have one number': isNumberUnique,
        'who has found A does not get B': (view) => !hasB(view),
      },
      sometimes: {
        'he gets A': ({ result }) => typeof result(file) === 'object',
        'A is unregistered and B has come, when he is still to ask for A': ({ next, vfio, device_a }) =>
          next('user') === 'refcount_inc_not_zero' && device_a.refcount.n === 0 && vfio.chrdevs.cdevs[B]?.node === true,
      },
      atEnd: { 'A is gone': ({ device_a }) => device_a.freed },
      leaks: moduleReferences('vfio_pci'),
      expect: [],
    }),
    'merged-stale-inode': variant({
      summary: 'The open has looked up the path of the node, and is still to find a cdev.',
      objects: mergedObjects,
      start: mergedStart,
      threads: (objects) => ({
        user: [
          call(v6_6.openDevice, objects.vfio, objects.device_a, { vfio_device_file: objects.df }).into(file),
          call(v6_6.closeDevice, objects.vfio, file).ifOk(file),
        ],
        admin: rebinds(objects),
      }),
      always: {
        'no two devices have one number': isNumberUnique,
        'the inode of A leads to A or nowhere': ({ vfio }) =>
          (vfio.chrdevs.cdevs['device_a']?.i_cdev ?? 'device_a') === 'device_a',
      },
      sometimes: {
        'he gets A': ({ result, device_a }) => typeof result(file) === 'object' && !device_a.freed,
        'he gets B': hasB,
      },
      // Not of VFIO: fs/char_dev.c opens an inode that has no cdev by its number, whosever it is by then.
      expect: [{ kind: 'invariant', object: 'vfio.chrdevs', between: ['devtmpfs_create_node', 'cdev_get'] }],
    }),
  },
});
