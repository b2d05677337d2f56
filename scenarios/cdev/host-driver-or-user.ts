/**
 * A device and a network card stand behind one IOMMU group. While user space takes the group, by its file or by the node of
 * the device, a driver of the host is bound to the card.
 *
 * Up to v5.18 the one was found out when it was too late, by a notifier, with a BUG. Since v5.19 both ask for the DMA of
 * the group before they begin, under the lock of the IOMMU group: the driver core before the probe of a driver that does
 * not say that it leaves DMA to user space, VFIO in SET_CONTAINER and in BIND_IOMMUFD. Who comes second gets -EBUSY if it
 * is the driver, which is then not probed, and -EPERM if it is user space.
 */
import { EBUSY, EPERM } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { dma, type Dma, mergedBackend, mergedHostDriver, mergedOps } from '../register-rfc/setup/dma.ts';
import { node, nodeAtEnd, nodeLaws, nodeLeaks } from './setup/node.ts';

const attached = local<number>('attached');
const group_fd = local<merged.GroupFile | number>('group_fd');
const set = local<number>('set');
const iommu = local<number>('iommu');
const fd = local<merged.VfioDeviceFile | number>('fd');
const bound = local<number>('bound');

const objects = {
  ...node.objects,
  e1000: merged.device_driver,
  card_dev: merged.device,
  dma,
};
const start = {
  ...node.start,
  ...merged.registered({
    group: 'group',
    iommu_group: 'iommu_group',
    devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
    others: ['card_dev'],
  }),
};
const byGroup = { ...objects, container: merged.vfio_container, file: pool(merged.file) };

interface ByGroup {
  readonly vfio: merged.Vfio;
  readonly group: merged.VfioGroup;
  readonly container: merged.VfioContainer;
  readonly file: merged.GroupFile;
  readonly dma: Dma;
}
const takesTheGroup = ({ vfio, group, container, file, dma: of }: ByGroup) => [
  call(v6_6.openGroup, vfio, group, { file }).into(group_fd),
  call(v6_6.vfio_group_ioctl_set_container, vfio, group, container, mergedBackend(of)).into(set),
  call(v6_6.vfio_ioctl_set_iommu, vfio, container, mergedBackend(of)).ifOk(set).into(iommu),
  call(v6_6.closeGroup, vfio, group, group_fd, mergedBackend(of)),
  call(v6_6.vfio_fops_release, vfio, container),
];

interface Card {
  readonly card_dev: merged.Device;
}
const bindsAndUnbinds = (driver: v6_6.Driver, { card_dev }: Card) => [
  call(v6_6.device_driver_attach, driver, card_dev).into(attached),
  call(v6_6.device_driver_detach, driver, card_dev).ifOk(attached),
];

interface Masters {
  readonly dma: {
    readonly of_host: { readonly value: boolean };
    readonly of_user: { readonly value: boolean };
    readonly to_container: { readonly value: boolean };
  };
}
/** It is seen of the devices themselves: whatever was claimed. */
const oneMaster = ({ dma: { of_host, of_user, to_container } }: Masters) =>
  !(of_host.value && (of_user.value || to_container.value));

export default defineScenario({
  name: 'host-driver-or-user',
  summary: 'A driver of the host is bound to a device while user space takes the IOMMU group of it',
  source: 'drivers/iommu/iommu.c and drivers/vfio/container.c, v6.6',
  covers: ['Z-13'],
  tags: ['seed-002', 'seed-004'],
  variants: {
    'v6.6-container': variant({
      summary: 'User space comes by the group, with a container.',
      objects: byGroup,
      start,
      threads: (all) => ({
        user: takesTheGroup(all),
        admin: bindsAndUnbinds(mergedHostDriver(all.e1000, all.dma), all),
      }),
      always: { ...nodeLaws, 'one of them has its devices do DMA': oneMaster },
      sometimes: {
        'the driver is refused': ({ result }) => result(attached) === -EBUSY,
        'the container is refused': ({ result }) => result(set) === -EPERM,
        'one comes after the other': ({ result }) => result(attached) === 0 && result(iommu) === 0,
        'one waits for the lock under which the other claims': ({ blocked, iommu_group }) =>
          blocked('admin') && iommu_group.mutex.owner === 'user',
      },
      atEnd: {
        ...nodeAtEnd,
        'somebody has had it': ({ result }) => result(attached) === 0 || result(iommu) === 0,
        'the container is gone': ({ container }) => container.freed,
      },
      leaks: nodeLeaks,
      expect: [],
    }),
    'v6.6-iommufd': variant({
      summary: 'User space comes by the node, with an iommufd.',
      objects: { ...objects, iommufd: merged.iommufd_ctx },
      start,
      threads: ({ vfio, device, df, e1000, card_dev, iommufd, dma: of }) => ({
        user: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }, mergedOps(of)).into(fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd, mergedOps(of)).into(bound),
          call(v6_6.vfio_device_fops_unl_ioctl, vfio, fd, mergedOps(of)).ifOk(bound),
          call(v6_6.closeDevice, vfio, fd, mergedOps(of)),
        ],
        admin: bindsAndUnbinds(mergedHostDriver(e1000, of), { card_dev }),
      }),
      always: { ...nodeLaws, 'one of them has its devices do DMA': oneMaster },
      sometimes: {
        'the driver is refused': ({ result }) => result(attached) === -EBUSY,
        'the bind is refused': ({ result }) => result(bound) === -EPERM,
        'one comes after the other': ({ result }) => result(attached) === 0 && result(bound) === 0,
        'one waits for the lock under which the other claims': ({ blocked, iommu_group }) =>
          blocked('admin') && iommu_group.mutex.owner === 'user',
      },
      atEnd: { ...nodeAtEnd, 'somebody has had it': ({ result }) => result(attached) === 0 || result(bound) === 0 },
      leaks: { ...nodeLeaks, iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1 },
      expect: [],
    }),
    'not-asked': variant({
      summary: 'A driver that says that it leaves DMA to user space, and does it itself: the core does not claim for it.',
      objects: byGroup,
      start,
      threads: (all) => ({
        user: takesTheGroup(all),
        admin: bindsAndUnbinds({ ...mergedHostDriver(all.e1000, all.dma), driver_managed_dma: true }, all),
      }),
      always: { 'one of them has its devices do DMA': oneMaster },
      expect: [{ kind: 'invariant', object: 'dma.of_host', between: ['store', 'store'] }],
    }),
  },
});
