/**
 * Two functions of one card share an IOMMU group. The driver of the first exposes a node alone, that of the second the
 * group alone, so that the first has no vfio_group: device->group is NULL.
 *
 * That one is opened either by its node or by its group RFC 02/20 keeps in the vfio_group. For the first function there is
 * none, and the open skips the question. Another user opens the group meanwhile and sets up a container, to whose domain
 * SET_IOMMU attaches the whole IOMMU group: the DMA of the first user reaches the memory that the second has mapped.
 *
 * The second user gets no device for it: GET_DEVICE_FD finds, on the first function, a driver of which the group knows
 * nothing, and takes the group for not viable. For the same reason the host dies where the first function is bound to its
 * driver while the group is in use: a driver that the group does not know is a BUG, and be it one of VFIO.
 *
 * In the merged design each device has a vfio_group: the bind of a node keeps the group's file closed, and an open group
 * file the nodes unbound. Beneath that the DMA of the IOMMU group has one owner.
 */
import { worker_thread } from '../../actors/sync/work.ts';
import { EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool, type ViewOf } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { usersNoted } from '../laws/container-users.ts';
import { dma, mergedBackend, mergedOps, rfcOps, vfio_device_fops_write } from './setup/dma.ts';

const FIRST = '0000:00:14.0';
const SECOND = '0000:00:14.1';

const fd = local<inRfc.VfioDevice | number>('fd');
const group_fd = local<inRfc.VfioGroup | number>('group_fd');
const second_fd = local<inRfc.VfioDevice | number>('second_fd');
const set = local<number>('set');
const df = local<inMerged.VfioDeviceFile | number>('df');
const group_file = local<inMerged.GroupFile | number>('group_file');
const second_df = local<inMerged.VfioDeviceFile | number>('second_df');
const bound = local<number>('bound');

const rfcObjects = {
  vfio: inRfc.vfio,
  workqueues: inRfc.workqueues,
  vfio_pci: inRfc.device_driver,
  type1: inRfc.vfio_iommu_driver,
  container: inRfc.vfio_container,
  iommu_group: inRfc.iommu_group,
  group: inRfc.vfio_group,
  first: inRfc.vfio_device,
  first_dev: inRfc.device,
  second: inRfc.vfio_device,
  second_dev: inRfc.device,
  dma,
};
const first = { device: 'first', dev: 'first_dev', name: FIRST, minor: 0 };
const second = { device: 'second', dev: 'second_dev', name: SECOND };
const inGroup = { group: 'group', iommu_group: 'iommu_group' };
const rfcStart = { ...inRfc.loaded('type1'), ...inRfc.inIommuGroup('iommu_group', 'first_dev', 'second_dev') };

const group_user = (vfio: inRfc.Vfio, container: inRfc.VfioContainer) => [
  call(rfc.vfio_group_fops_open, vfio, 0).into(group_fd),
  call(rfc.vfio_group_set_container, vfio, group_fd, container).ifOk(group_fd).into(set),
  call(rfc.vfio_ioctl_set_iommu, vfio, container).ifOk(set),
  call(rfc.vfio_group_get_device_fd, vfio, group_fd, SECOND).ifOk(set).into(second_fd),
  call(rfc.vfio_device_fops_release, vfio, second_fd).ifOk(second_fd),
  call(rfc.vfio_group_fops_release, vfio, group_fd).ifOk(group_fd),
];

const isAttached = (group: ViewOf<typeof inRfc.vfio_group>, container: ViewOf<typeof inRfc.vfio_container>) =>
  group.container.value.at === 'container' && container.iommu_driver.value.at !== 'NULL';

export default defineScenario({
  name: 'nongroup-only-device',
  summary: 'A device without a vfio_group is opened while its IOMMU group belongs to the container of another user',
  assumes:
    'RFC 02/20 and 03/20 stand alone, and a driver gives a device in a shared IOMMU group a node only: option (c) of the patch.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-14'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'The first function has a node and no group.',
      objects: rfcObjects,
      start: { ...rfcStart, ...inRfc.registered('vfio_pci', { groups: [{ ...inGroup, devices: [second] }], devices: [first] }) },
      threads: ({ vfio, container, dma }) => ({
        node_user: [
          call(rfc.vfio_device_fops_open, vfio, 0, rfcOps(dma)).into(fd),
          call(vfio_device_fops_write, fd, dma).ifOk(fd),
        ],
        group_user: group_user(vfio, container),
      }),
      always: {
        'the IOMMU group has one owner': ({ dma, group, container }) => !(dma.of_user.value && isAttached(group, container)),
      },
      sometimes: {
        'the group user is refused its device': ({ result, dma }) => result(second_fd) === -EINVAL && dma.of_user.value,
      },
      expect: [{ kind: 'invariant', object: 'dma.of_user', between: ['store', 'store'] }],
    }),
    'rfc-bound-later': variant({
      summary: 'The first function comes to its driver while the group is in use.',
      objects: { ...rfcObjects, put_work: pool(inRfc.vfio_group_put_work) },
      start: {
        ...rfcStart,
        ...inRfc.registered('vfio_pci', { groups: [{ ...inGroup, devices: [second], opened: true, container: 'container' }] }),
        ...inRfc.iommuSet('container', 'type1'),
        ...inRfc.initialised(first),
      },
      threads: ({ vfio, workqueues: { system_wq }, vfio_pci, group, first, first_dev, put_work }) => {
        const nodeOnly = rfc.vfioPci(vfio, vfio_pci, first, rfc.VFIO_DEVNODE_NONGROUP);
        const listeners = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
        return {
          admin: [call(rfc.device_driver_attach, nodeOnly, first_dev, listeners)],
          group_user: [call(rfc.vfio_group_fops_release, vfio, group)],
          worker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
        };
      },
      sometimes: {
        'the notifier finds the group closed': ({ next, group }) => next('admin') === 'kzalloc' && group.opened.value === 0,
      },
      // X-14 is the same of a driver of the host.
      expect: [{ kind: 'bug', object: 'vfio_iommu_group_notifier' }],
    }),
    'rfc-both': variant({
      summary: 'The first function has a node and a group: who comes second is told -EBUSY.',
      objects: rfcObjects,
      start: { ...rfcStart, ...inRfc.registered('vfio_pci', { groups: [{ ...inGroup, devices: [first, second] }] }) },
      threads: ({ vfio, container, dma }) => ({
        node_user: [
          call(rfc.vfio_device_fops_open, vfio, 0, rfcOps(dma)).into(fd),
          call(vfio_device_fops_write, fd, dma).ifOk(fd),
          call(rfc.vfio_device_fops_release, vfio, fd, rfcOps(dma)).ifOk(fd),
        ],
        group_user: group_user(vfio, container),
      }),
      always: {
        ...usersNoted('group'),
        'the IOMMU group has one owner': ({ dma, group, container }) => !(dma.of_user.value && isAttached(group, container)),
      },
      sometimes: {
        'the node is refused': ({ result }) => result(fd) === -EBUSY,
        'the group is refused': ({ result }) => result(group_fd) === -EBUSY,
        'the group user has its device': ({ result }) => typeof result(second_fd) === 'object',
      },
      leaks: {
        'group.kref': ({ group }) => group.kref.n - 2,
        'group.opened': ({ group }) => group.opened.value,
        'group.container_users': ({ group }) => group.container_users.n,
        'container.kref': ({ container }) => container.kref.n - 1,
        'first.refcount': ({ first }) => first.refcount.n - 1,
        'second.refcount': ({ second }) => second.refcount.n - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
    merged: variant({
      summary: 'A bound node and an open group file exclude each other, and the DMA has one owner.',
      objects: {
        vfio: inMerged.vfio,
        vfio_pci: inMerged.device_driver,
        container: inMerged.vfio_container,
        iommu_group: inMerged.iommu_group,
        group: inMerged.vfio_group,
        dev_set: inMerged.vfio_device_set,
        first: inMerged.vfio_device,
        first_dev: inMerged.device,
        second: inMerged.vfio_device,
        second_dev: inMerged.device,
        ictx: inMerged.iommufd_ctx,
        file: pool(inMerged.file),
        vfio_device_file: pool(inMerged.vfio_device_file),
        dma,
      },
      start: inMerged.registered({
        ...inGroup,
        devices: [
          { device: 'first', dev: 'first_dev', dev_set: 'dev_set', driver: 'vfio_pci' },
          { device: 'second', dev: 'second_dev', dev_set: 'dev_set', driver: 'vfio_pci', index: 1 },
        ],
      }),
      threads: ({ vfio, container, group, first, second_dev, ictx, file, vfio_device_file, dma }) => ({
        node_user: [
          call(v6_6.openDevice, vfio, first, { vfio_device_file }, mergedOps(dma)).into(df),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, ictx, mergedOps(dma)).into(bound),
          call(v6_6.vfio_device_fops_unl_ioctl, vfio, df, mergedOps(dma)).ifOk(bound),
          call(v6_6.closeDevice, vfio, df, mergedOps(dma)),
        ],
        group_user: [
          call(v6_6.openGroup, vfio, group, { file }).into(group_file),
          call(v6_6.vfio_group_ioctl_set_container, vfio, group, container, mergedBackend(dma)).ifOk(group_file).into(set),
          call(v6_6.vfio_ioctl_set_iommu, vfio, container, mergedBackend(dma)).ifOk(set),
          call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, second_dev, { vfio_device_file }).ifOk(set).into(second_df),
          call(v6_6.closeDevice, vfio, second_df).ifOk(second_df),
          call(v6_6.closeGroup, vfio, group, group_file, mergedBackend(dma)).ifOk(group_file),
        ],
      }),
      always: {
        ...mergedGroupLaws('first', 'second'),
        'the IOMMU group has one owner': ({ dma }) => !(dma.of_user.value && dma.to_container.value),
        'what user space touches is its own': ({ dma, iommu_group }) =>
          !dma.of_user.value || iommu_group.owner.value.at === 'ictx',
        'who has a device by the group owns the DMA': ({ second, iommu_group }) =>
          second.open_count.value === 0 || iommu_group.owner.value.at === 'group',
        'a bound node and an open group exclude each other': ({ group }) =>
          group.opened_file.value.at === 'NULL' || group.cdev_device_open_cnt.value === 0,
      },
      sometimes: {
        'the bind is refused': ({ result }) => result(bound) === -EBUSY,
        'the group is refused': ({ result }) => result(group_file) === -EBUSY,
        'user space has its device by the node': ({ dma }) => dma.of_user.value,
        'the group user has its device': ({ result }) => typeof result(second_df) === 'object',
      },
      leaks: {
        'group.cdev_device_open_cnt': ({ group }) => group.cdev_device_open_cnt.value,
        'group.container_users': ({ group }) => group.container_users.value,
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
        'container.kref': ({ container }) => container.kref.n - 1,
        'first.refcount': ({ first }) => first.refcount.n - 1,
        'second.refcount': ({ second }) => second.refcount.n - 1,
        'ictx.f_count': ({ ictx }) => ictx.f_count.f_count - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
  },
});
