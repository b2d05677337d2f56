/**
 * An open has found the cdev of a device, and comes to the open of the driver only when the device is gone.
 *
 * It holds the cdev, and by it the memory of the device and its number; so it is still that device which it asks, whoever
 * has come meanwhile. The count of the registration is 0 then, and refcount_inc_not_zero() says so: -ENODEV. Nothing
 * but that question keeps it out. The device is there and so is its set; what is gone is the driver, and the group that
 * the device still points at.
 */
import { ENODEV } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { oneOwner } from '../laws/one-owner.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { node } from './setup/node.ts';
import * as undone from './setup/undone.ts';

const fd = local<merged.VfioDeviceFile | number>('fd');
const bound = local<number>('bound');
const replaced = local<number>('replaced');

const objects = {
  ...node.objects,
  other_iommu_group: merged.iommu_group,
  other_group: pool(merged.vfio_group),
  other_dev: merged.device,
  other: pool(merged.vfio_device),
  iommufd: merged.iommufd_ctx,
};
const start = {
  ...node.start,
  ...merged.in_iommu_group('other_iommu_group', 'other_dev'),
  'vfio.chrdevs': {
    cdevs: {
      device: { refs: 2, mapped: 1, i_cdev: 'device', node: true, devt: merged.deviceDevt(0) },
      group: { refs: 1, mapped: 1, i_cdev: null, node: true, devt: merged.groupDevt(0) },
    },
  },
};

interface Admin {
  readonly vfio: merged.Vfio;
  readonly vfio_pci: merged.DeviceDriver;
  readonly dev_set: merged.VfioDeviceSet;
  readonly dev: merged.Device;
  readonly other_dev: merged.Device;
  readonly other: merged.VfioDevice;
  readonly other_group: merged.VfioGroup;
}
/** The driver goes, and comes to another device. */
const replaces = ({ vfio, vfio_pci, dev_set, dev, other_dev, other, other_group }: Admin) => {
  const pools = { vfio_device: other, vfio_group: other_group };
  const driver = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools });
  return [call(v6_6.device_driver_detach, driver, dev), call(v6_6.device_driver_attach, driver, other_dev).into(replaced)];
};

const hasAnother = ({ all }: View<typeof objects>) =>
  all('df').some(({ freed, device }) => !freed && device.value.at !== 'NULL' && device.value.at !== 'device');

export default defineScenario({
  name: 'open-after-removal',
  summary: 'An open of a node gets to the driver when its device has been removed',
  assumes: 'User space has come to where chrdev_open() calls the open of the driver.',
  source: 'vfio_device_fops_cdev_open(), drivers/vfio/device_cdev.c, v6.6',
  covers: ['Z-3'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects,
      start,
      threads: (all) => ({
        admin: replaces(all),
        user: [
          call(v6_6.openFoundDevice, all.vfio, all.device, { vfio_device_file: all.df }).into(fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, all.vfio, fd, all.iommufd).ifOk(fd).into(bound),
          call(v6_6.closeDevice, all.vfio, fd).ifOk(fd),
        ],
      }),
      always: {
        ...mergedGroupLaws('device'),
        ...oneOwner('other_iommu_group'),
        'nobody has another device than he has opened': (view) => !hasAnother(view),
        'who is in can bind': ({ result }) => (result(bound) ?? 0) === 0,
      },
      sometimes: {
        'he is refused, and the memory is still there': ({ result, device }) => result(fd) === -ENODEV && !device.freed,
        'another device is there when he is still to ask': ({ next, device, all }) =>
          next('user') === 'refcount_inc_not_zero' &&
          device.refcount.n === 0 &&
          all('other').some(({ refcount }) => refcount.n === 1),
        'he holds the number of the one that is gone': ({ vfio, device, result }) =>
          result(replaced) === 0 && !device.freed && vfio.device_ida.ids.length === 2,
        'he was in time': ({ result }) => result(bound) === 0,
      },
      atEnd: { 'the device is gone, and the other has come': ({ device, result }) => device.freed && result(replaced) === 0 },
      leaks: {
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length - 1,
        'vfio.chrdevs': ({ vfio }) => Object.keys(vfio.chrdevs.cdevs).length - 2,
        'dev_set.device_list': ({ dev_set }) => dev_set.device_list.entries.length - 1,
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        df: ({ all }) => all('df').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
    'not-asked': variant({
      summary: 'A design in which the open takes its reference by refcount_inc(), as one may who knows that there is another.',
      objects,
      start,
      threads: (all) => ({
        admin: replaces(all),
        user: [
          call(undone.openFoundDevice, all.vfio, all.device, { vfio_device_file: all.df }).into(fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, all.vfio, fd, all.iommufd).ifOk(fd).into(bound),
          call(v6_6.closeDevice, all.vfio, fd).ifOk(fd),
        ],
      }),
      expect: [{ kind: 'refcount', object: 'device.refcount' }],
      leadsTo: [
        { kind: 'use-after-free', object: 'group' },
        { kind: 'null-deref', object: 'owner' },
      ],
    }),
  },
});
