/**
 * A driver of the host is bound to the neighbour of a device that user space has, or is about to have.
 *
 * What one device of an IOMMU group is told to do with DMA reaches the others. Up to v5.18 VFIO hears of the driver only when
 * it is bound: where the group is in use by then, and the device is neither VFIO's nor harmless, the isolation is lost and
 * the kernel stops with a BUG, so that an administrator brings the host down by a write to sysfs. Where the group is not yet in
 * use the notifier lets the driver pass; and the SET_CONTAINER and SET_IOMMU that come then ask nobody. The host's driver does
 * its DMA into the domain of a process, which notices when GET_DEVICE_FD is refused.
 *
 * Since v5.19 each of the two claims the DMA of the group before anything else, and the second is refused: the driver with
 * -EBUSY before its probe, the container with -EPERM.
 */
import { store } from '../../actors/sync/memory.ts';
import { EBUSY, EINVAL, EPERM } from '../../actors/vfio/errno.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { type Dma, dma, mergedBackend, mergedHostDriver, rfcHostDriver } from '../register-rfc/setup/dma.ts';
import { MINOR, NAME, v3_12Group } from './setup/with-sibling.ts';

const group_fd = local<inV3_12.VfioGroup | number>('group_fd');
const group_file = local<inMerged.GroupFile | number>('group_file');
const status = local<number>('status');
const set = local<number>('set');
const iommu = local<number>('iommu');
const fd = local<inV3_12.VfioDevice | inMerged.VfioDeviceFile | number>('fd');
const bound = local<number>('bound');

const objects = { ...v3_12Group.objects, type1: inV3_12.vfio_iommu_driver, container: inV3_12.vfio_container, dma };

/** Of a back end: the devices of the group are translated by the domain of the container, or they are not. */
const backend = ({ to_container }: Dma): v3_12.VfioIommuDriverOps => ({
  ...v3_12.vfio_iommu_driver_ops,
  *attach_group() {
    yield* store(to_container, true);
    return 0;
  },
  *detach_group() {
    yield* store(to_container, false);
  },
});

const isolated = ({ dma: { of_host, to_container } }: Pick<View<typeof objects>, 'dma'>) =>
  !(of_host.value && to_container.value);

export default defineScenario({
  name: 'bind-sibling',
  summary: 'A driver of the host comes to a device whose IOMMU group is, or is about to be, in the hands of user space',
  source: 'drivers/vfio/vfio.c, v3.6 to v5.18; DMA ownership (v5.19)',
  covers: ['X-14'],
  tags: ['seed-004', 'seed-002'],
  variants: {
    'v3.12-in-use': variant({
      summary: 'The group is on a container.',
      objects,
      start: { ...v3_12Group.ready, 'dma.to_container': { value: true } },
      threads: (all) => ({ admin: [v3_12Group.bindSibling(all).into(bound)] }),
      expect: [{ kind: 'bug', object: 'vfio_iommu_group_notifier' }],
    }),
    'v3.12': variant({
      summary: 'The group is about to be put on one.',
      objects,
      start: { ...v3_12Group.closed, ...inV3_12.loaded('type1') },
      threads: (all) => ({
        user: [
          call(v3_12.vfio_group_fops_open, all.vfio, MINOR).into(group_fd),
          call(v3_12.vfio_group_set_container, all.vfio, group_fd, all.container, backend(all.dma)).into(set),
          call(v3_12.vfio_ioctl_set_iommu, all.vfio, all.container, backend(all.dma)).into(iommu),
          call(v3_12.vfio_group_get_device_fd, all.vfio, group_fd, NAME).into(fd),
        ],
        admin: [v3_12Group.bindSibling(all, rfcHostDriver(all.e1000e, all.dma)).into(bound)],
      }),
      always: { 'a driver of the host does no DMA into the domain of a process': isolated },
      sometimes: {
        'the notifier has found no user': ({ next, result, group }) =>
          result(bound) === undefined && next('user') === 'atomic_read' && group.container_users.n === 0,
      },
      expect: [
        { kind: 'invariant', object: 'dma.of_host', between: ['store', 'store'] },
        { kind: 'bug', object: 'vfio_iommu_group_notifier' },
      ],
    }),
    'v3.12-host-first': variant({
      summary: 'The driver is there when the group is opened: what user space is told, and when.',
      objects,
      start: {
        ...v3_12Group.closed,
        ...inV3_12.loaded('type1'),
        'sibling_dev.driver': { value: { at: 'e1000e' } },
        'dma.of_host': { value: true },
      },
      threads: ({ vfio, container, dma: seen }) => ({
        user: [
          call(v3_12.vfio_group_fops_open, vfio, MINOR).into(group_fd),
          call(v3_12.vfio_group_get_status, vfio, group_fd).into(status),
          call(v3_12.vfio_group_set_container, vfio, group_fd, container, backend(seen)).into(set),
          call(v3_12.vfio_ioctl_set_iommu, vfio, container, backend(seen)).into(iommu),
          call(v3_12.vfio_group_get_device_fd, vfio, group_fd, NAME).into(fd),
          call(v3_12.vfio_group_fops_release, vfio, group_fd, backend(seen)),
        ],
      }),
      always: { 'a driver of the host does no DMA into the domain of a process': isolated },
      atEnd: {
        'GET_STATUS says that the group is not viable, and GET_DEVICE_FD refuses': ({ result }) =>
          result(status) === 0 && result(set) === 0 && result(iommu) === 0 && result(fd) === -EINVAL,
      },
      // By then it has happened.
      expect: [{ kind: 'invariant', object: 'dma.of_host' }],
    }),
    'v6.6': variant({
      objects: {
        vfio: inMerged.vfio,
        vfio_pci: inMerged.device_driver,
        e1000e: inMerged.device_driver,
        container: inMerged.vfio_container,
        iommu_group: inMerged.iommu_group,
        group: inMerged.vfio_group,
        dev_set: inMerged.vfio_device_set,
        device: inMerged.vfio_device,
        dev: inMerged.device,
        sibling_dev: inMerged.device,
        file: pool(inMerged.file),
        df: pool(inMerged.vfio_device_file),
        dma,
      },
      start: inMerged.registered({
        group: 'group',
        iommu_group: 'iommu_group',
        devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
        others: ['sibling_dev'],
      }),
      threads: ({ vfio, e1000e, container, group, dev, sibling_dev, file, df, dma: seen }) => ({
        user: [
          call(v6_6.openGroup, vfio, group, { file }).into(group_file),
          call(v6_6.vfio_group_ioctl_set_container, vfio, group, container, mergedBackend(seen)).into(set),
          call(v6_6.vfio_ioctl_set_iommu, vfio, container, mergedBackend(seen)).ifOk(set).into(iommu),
          call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).ifOk(iommu).into(fd),
        ],
        admin: [
          call(v6_6.device_driver_attach, mergedHostDriver(e1000e, seen), sibling_dev).into(bound),
          call(v6_6.device_driver_detach, mergedHostDriver(e1000e, seen), sibling_dev).ifOk(bound),
        ],
      }),
      always: {
        ...mergedGroupLaws('device'),
        'a driver of the host does no DMA into the domain of a process': isolated,
        'the group has one owner': ({ iommu_group, dma: { of_host } }) => !of_host.value || iommu_group.owner.value.at === 'NULL',
      },
      sometimes: {
        'the driver is refused': ({ result }) => result(bound) === -EBUSY && typeof result(fd) === 'object',
        'the container is refused': ({ result }) => result(set) === -EPERM && result(bound) === 0,
        'the driver was there before, and has gone': ({ result, ended }) =>
          result(bound) === 0 && ended('admin') && typeof result(fd) === 'object',
      },
      atEnd: { 'who has been let in was not refused later': ({ result }) => result(set) !== 0 || typeof result(fd) === 'object' },
      expect: [],
    }),
  },
});
