/**
 * The node of a device is opened while its driver is still registering it.
 *
 * device_add() shows the node before refcount_set() starts the count of the registration, so that there is a window in
 * which user space finds a device that is not registered yet. The open asks for a reference by refcount_inc_not_zero(),
 * which a count of 0 refuses: -ENODEV, and whoever tries again has it. A reference that is taken without being asked for
 * would be lost when the count is started.
 */
import { ENODEV, ENOENT } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { oneOwner } from '../laws/one-owner.ts';
import { node } from './setup/node.ts';
import * as undone from './setup/undone.ts';

const registered = local<number>('registered');
const fd = local<merged.VfioDeviceFile | number>('fd');
const again = local<merged.VfioDeviceFile | number>('again');
const bound = local<number>('bound');

const objects = { ...node.objects, group: pool(merged.vfio_group), iommufd: merged.iommufd_ctx };
const start = merged.allocated('iommu_group', { device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' });

interface Probed {
  readonly vfio: merged.Vfio;
  readonly device: merged.VfioDevice;
  readonly group: merged.VfioGroup;
}
/** The last thing that the probe of a driver does. */
const registers = ({ vfio, device, group }: Probed) => [
  call(v6_6.vfio_register_group_dev, vfio, device, { vfio_group: group }).into(registered),
];

export default defineScenario({
  name: 'open-before-registered',
  summary: 'A node is opened that is there before its device is registered',
  source: '__vfio_register_dev() and vfio_device_fops_cdev_open(), drivers/vfio, v6.6',
  covers: ['Z-1'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects,
      start,
      threads: (all) => ({
        prober: registers(all),
        user: [
          call(v6_6.openDevice, all.vfio, all.device, { vfio_device_file: all.df }).into(fd),
          call(v6_6.openDevice, all.vfio, all.device, { vfio_device_file: all.df }).into(again),
          call(v6_6.vfio_df_ioctl_bind_iommufd, all.vfio, again, all.iommufd).ifOk(again).into(bound),
          call(v6_6.closeDevice, all.vfio, fd).ifOk(fd),
          call(v6_6.closeDevice, all.vfio, again).ifOk(again),
        ],
      }),
      always: {
        ...oneOwner('iommu_group'),
        'who has the device has it registered': ({ all, device }) =>
          device.refcount.n >= all('df').filter(({ freed, device: its }) => !freed && its.value.at === 'device').length,
        'what is opened can be bound': ({ result }) => (result(bound) ?? 0) === 0,
      },
      sometimes: {
        'there is no node yet': ({ result }) => result(fd) === -ENOENT,
        'there is a node, and no registration': ({ result }) => result(fd) === -ENODEV,
        'who tries again has it': ({ result }) => result(fd) === -ENODEV && typeof result(again) === 'object',
        'it is bound before its driver has it listed': ({ result, next }) => result(bound) === 0 && next('prober') === 'list_add',
      },
      atEnd: { 'it is registered': ({ result }) => result(registered) === 0 },
      leaks: {
        'device.refcount': ({ device }) => device.refcount.n - 1,
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
        prober: registers(all),
        user: [
          call(undone.openDevice, all.vfio, all.device, { vfio_device_file: all.df }).into(fd),
          call(v6_6.closeDevice, all.vfio, fd).ifOk(fd),
        ],
      }),
      expect: [{ kind: 'refcount', object: 'device.refcount' }],
    }),
  },
});
