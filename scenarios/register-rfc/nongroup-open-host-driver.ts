/**
 * A device and a network card stand behind one IOMMU group: what one of them is told to do with DMA reaches the other.
 *
 * Whoever opens the device by its group gets it from GET_DEVICE_FD, where the group is asked whether it is viable: with a
 * host driver on the card the answer is -EINVAL. Whoever opens the node of RFC 02/20 is asked nothing. Nor does it help to
 * come first: when a host driver is bound to the card later on, VFIO hears of it, finds no container_users, and takes the
 * group for idle. User space and a driver of the host then do DMA behind one group, and nothing is said.
 *
 * In the merged design a node that is open gives no access. That comes with BIND_IOMMUFD, which claims the DMA of the
 * group; a host driver claims it before its probe. One of the two is refused, the driver with -EBUSY, the bind with -EPERM.
 */
import { worker_thread } from '../../actors/sync/work.ts';
import { EBUSY, EINVAL, EPERM } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { usersNoted } from '../laws/container-users.ts';
import { dma, mergedHostDriver, mergedOps, rfcHostDriver, rfcOps, vfio_device_fops_write } from './setup/dma.ts';

const NAME = '0000:00:14.2';

const attached = local<number>('attached');
const fd = local<inRfc.VfioDevice | number>('fd');
const group_fd = local<inRfc.VfioGroup | number>('group_fd');
const set = local<number>('set');
const df = local<inMerged.VfioDeviceFile | number>('df');
const early = local<number>('early');
const bound = local<number>('bound');

/** The device is exposed through both interfaces, and closed. */
const rfcObjects = {
  vfio: inRfc.vfio,
  workqueues: inRfc.workqueues,
  vfio_pci: inRfc.device_driver,
  e1000: inRfc.device_driver,
  iommu_group: inRfc.iommu_group,
  group: inRfc.vfio_group,
  device: inRfc.vfio_device,
  dev: inRfc.device,
  card_dev: inRfc.device,
  put_work: pool(inRfc.vfio_group_put_work, 2),
  dma,
};
const rfcStart = {
  ...inRfc.registered('vfio_pci', {
    groups: [{ group: 'group', iommu_group: 'iommu_group', devices: [{ device: 'device', dev: 'dev', name: NAME, minor: 0 }] }],
  }),
  ...inRfc.inIommuGroup('iommu_group', 'dev', 'card_dev'),
  'e1000.name': { value: 'e1000' },
};
const cardHasHostDriver = { 'card_dev.driver': { value: { at: 'e1000' } }, 'dma.of_host': { value: true } };

export default defineScenario({
  name: 'nongroup-open-host-driver',
  summary: 'A node is opened without asking whether its IOMMU group is safe, and held without keeping host drivers out',
  assumes:
    'RFC 02/20 and 03/20 stand alone. With 05/20, vfio-pci refuses reads, writes and mmap() until 08/20 has bound the file.',
  source: 'RFC 02/20 vfio: Add device class for /dev/vfio/devices, review of 2021-09',
  covers: ['Y-13'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'User space opens the node and keeps it, and a host driver is bound to the card.',
      objects: rfcObjects,
      start: rfcStart,
      threads: ({ vfio, workqueues: { system_wq }, e1000, card_dev, put_work, dma }) => {
        const card = rfcHostDriver(e1000, dma);
        const listeners = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
        return {
          user: [call(rfc.vfio_device_fops_open, vfio, 0, rfcOps(dma)).into(fd), call(vfio_device_fops_write, fd, dma).ifOk(fd)],
          admin: [
            call(rfc.device_driver_attach, card, card_dev, listeners).into(attached),
            call(rfc.device_driver_detach, card, card_dev, listeners).ifOk(attached),
          ],
          worker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
        };
      },
      // Only when the driver is bound, so that one sees what the notifier makes of it: nothing.
      always: {
        'the IOMMU group has one owner': ({ dma, result }) => !(result(attached) === 0 && dma.of_host.value && dma.of_user.value),
      },
      sometimes: {
        'the notifier comes while user space has the device': ({ dma, next }) =>
          next('admin') === 'atomic_read' && dma.of_user.value,
      },
      expect: [{ kind: 'invariant', object: 'dma.of_host', between: ['store', 'store'] }],
    }),
    'rfc-host-driver-first': variant({
      summary: 'The card has a host driver already when the node is opened.',
      objects: rfcObjects,
      start: { ...rfcStart, ...cardHasHostDriver },
      threads: ({ vfio, dma }) => ({
        user: [
          call(rfc.vfio_device_fops_open, vfio, 0, rfcOps(dma)).into(fd),
          call(vfio_device_fops_write, fd, dma).ifOk(fd),
          call(rfc.vfio_device_fops_release, vfio, fd, rfcOps(dma)).ifOk(fd),
        ],
      }),
      always: { 'the IOMMU group has one owner': ({ dma }) => !(dma.of_host.value && dma.of_user.value) },
      expect: [{ kind: 'invariant', object: 'dma.of_host' }],
    }),
    'rfc-by-group': variant({
      summary: 'The card has a host driver already when the group is opened: the same kernel says no.',
      objects: { ...rfcObjects, type1: inRfc.vfio_iommu_driver, container: inRfc.vfio_container },
      start: { ...rfcStart, ...cardHasHostDriver, ...inRfc.loaded('type1') },
      threads: ({ vfio, container, dma }) => ({
        user: [
          call(rfc.vfio_group_fops_open, vfio, 0).into(group_fd),
          call(rfc.vfio_group_set_container, vfio, group_fd, container).into(set),
          call(rfc.vfio_ioctl_set_iommu, vfio, container).into(set),
          call(rfc.vfio_group_get_device_fd, vfio, group_fd, NAME, rfcOps(dma)).into(fd),
          call(vfio_device_fops_write, fd, dma).ifOk(fd),
          call(rfc.vfio_device_fops_release, vfio, fd, rfcOps(dma)).ifOk(fd),
          call(rfc.vfio_group_fops_release, vfio, group_fd),
          call(rfc.vfio_fops_release, vfio, container),
        ],
      }),
      always: { ...usersNoted('group'), 'the IOMMU group has one owner': ({ dma }) => !(dma.of_host.value && dma.of_user.value) },
      sometimes: { 'the container has its IOMMU': ({ container }) => container.chart.state === 'iommu_set' },
      atEnd: {
        'the device was refused': ({ result }) => result(fd) === -EINVAL,
        'the container is gone': ({ container }) => container.freed,
      },
      leaks: {
        'group.kref': ({ group }) => group.kref.n - 1,
        'group.container_users': ({ group }) => group.container_users.n,
        'device.refcount': ({ device }) => device.refcount.n - 1,
        'type1.owner': ({ type1 }) => type1.owner.refcnt - 1,
      },
      expect: [],
    }),
    merged: variant({
      summary: 'Access comes with the bind, which claims the DMA of the group.',
      objects: {
        vfio: inMerged.vfio,
        vfio_pci: inMerged.device_driver,
        e1000: inMerged.device_driver,
        iommu_group: inMerged.iommu_group,
        group: inMerged.vfio_group,
        dev_set: inMerged.vfio_device_set,
        device: inMerged.vfio_device,
        dev: inMerged.device,
        card_dev: inMerged.device,
        ictx: inMerged.iommufd_ctx,
        file: pool(inMerged.vfio_device_file),
        dma,
      },
      start: inMerged.registered({
        group: 'group',
        iommu_group: 'iommu_group',
        devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
        others: ['card_dev'],
      }),
      threads: ({ vfio, device, e1000, card_dev, ictx, file, dma }) => ({
        user: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: file }, mergedOps(dma)).into(df),
          call(v6_6.vfio_device_fops_unl_ioctl, vfio, df, mergedOps(dma)).into(early),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, ictx, mergedOps(dma)).into(bound),
          call(v6_6.vfio_device_fops_unl_ioctl, vfio, df, mergedOps(dma)).ifOk(bound),
          call(v6_6.closeDevice, vfio, df, mergedOps(dma)),
        ],
        admin: [
          call(v6_6.device_driver_attach, mergedHostDriver(e1000, dma), card_dev).into(attached),
          call(v6_6.device_driver_detach, mergedHostDriver(e1000, dma), card_dev).ifOk(attached),
        ],
      }),
      always: {
        ...mergedGroupLaws('device'),
        'the IOMMU group has one owner': ({ dma }) => !(dma.of_host.value && dma.of_user.value),
        'what user space touches is its own': ({ dma, iommu_group }) =>
          !dma.of_user.value || iommu_group.owner.value.at === 'ictx',
      },
      sometimes: {
        'the node is open without access while the host driver has the card': ({ dma, result }) =>
          dma.of_host.value && result(early) === -EINVAL,
        'the host driver is refused': ({ result }) => result(attached) === -EBUSY,
        'the bind is refused': ({ result }) => result(bound) === -EPERM,
      },
      leaks: {
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
        'group.cdev_device_open_cnt': ({ group }) => group.cdev_device_open_cnt.value,
        'device.refcount': ({ device }) => device.refcount.n - 1,
        'ictx.f_count': ({ ictx }) => ictx.f_count.f_count - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
  },
});
