/**
 * The protocol of the external user, step by step, and no bug: a VMM opens a container and a group, attaches the one to the
 * other and sets the IOMMU; it passes the group's descriptor to KVM, which has VFIO verify that, counts itself in, and asks
 * for the IOMMU id that it links the guest's LIOBN to. From then on the VMM may close what it likes in any order. The group
 * keeps its container, and the container its IOMMU, until KVM lets go.
 *
 * Where a step is missing it is refused: a file that is no group, a group that is on no container, a container that has no
 * IOMMU, a group in which a driver of the host has a device, a container that is to be taken away while KVM counts, a group
 * that is opened anew while KVM still has it.
 */
import { EBADF, EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v4_13 from '../../actors/vfio/v4.13/index.ts';
import * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import * as spapr from './setup/kvm-spapr.ts';
import { bound, leaks, MINOR, NAME, objects as oneGroup, unbind, usersLaw } from './setup/one-group.ts';

const group = local<inV3_12.VfioGroup | number>('group');
const device = local<inV3_12.VfioDevice | number>('device');
const linked = local<number>('linked');
const answer = (name: string) => local<number>(name);

const objects = {
  ...oneGroup,
  iommu_group: inV3_12.iommu_group,
  container_file: inV3_12.file,
  group_file: inV3_12.file,
  files: spapr.files,
  kvm: spapr.kvm,
};
const IOMMU_ID = 26;
const start = {
  ...bound,
  'iommu_group.id': { value: IOMMU_ID },
  'container_file.f_op': { value: 'vfio_fops' },
  'container_file.private_data': { value: { at: 'container' } },
  'files.container_fd': { value: { at: 'container_file' } },
};
type Seen = View<typeof objects>;

/** What the guest's DMA goes by is there for as long as it does. */
const iommuIsThere = ({ kvm, group: of, container, iommu_group }: Seen) =>
  kvm.iommu_id.value === 0 ||
  (kvm.iommu_id.value === iommu_group.id.value &&
    of.container.value.at === 'container' &&
    container.iommu_driver.value.at === 'spapr_tce');
const law = { ...usersLaw, 'a LIOBN that is linked has its IOMMU': iommuIsThere };

const isOutlived = ({ kvm, container, group: of }: Seen) =>
  kvm.iommu_id.value !== 0 && container.kref.n === 1 && of.opened.n === 0 && of.container_users.n === 1;

/** The VMM's part, up to the first device. */
const initialises = ({
  vfio,
  container,
  group_file,
  files,
  kvm,
}: {
  readonly vfio: inV3_12.Vfio;
  readonly container: inV3_12.VfioContainer;
  readonly group_file: inV3_12.File;
  readonly files: spapr.Files;
  readonly kvm: spapr.Kvm;
}) => [
  call(spapr.open_group, vfio, MINOR, group_file, files.group_fd).into(group),
  call(v3_12.vfio_group_set_container, vfio, group, container),
  call(v3_12.vfio_ioctl_set_iommu, vfio, container),
  call(v3_12.vfio_group_get_device_fd, vfio, group, NAME).into(device),
  call(spapr.link_liobn, vfio, kvm, files.group_fd).into(linked),
];

const refusals = {
  of_container_file: -EINVAL,
  of_no_file: -EBADF,
  iommu_without_group: -EINVAL,
  before_container: -EINVAL,
  device_before_container: -EINVAL,
  second_container: -EINVAL,
  before_iommu: -EINVAL,
  device_before_iommu: -EINVAL,
  second_iommu: -EINVAL,
  beside_host_driver: -EINVAL,
  device_beside_host_driver: -EINVAL,
  unset_under_kvm: -EBUSY,
  second_open: -EBUSY,
  open_under_kvm: -EBUSY,
};

export default defineScenario({
  name: 'external-user-protocol',
  summary: 'A group outlives the user space that has set it up until KVM lets go of it',
  source: '6cdd97821322 vfio: add external user support (v3.12)',
  covers: [],
  tags: ['seed-004', 'nominal'],
  variants: {
    'v3.12': variant({
      objects,
      start,
      threads: (all) => ({
        vmm: [
          ...initialises(all),
          call(v3_12.vfio_device_fops_release, all.vfio, device),
          call(spapr.close_group, all.vfio, all.files.group_fd),
          call(v3_12.vfio_fops_release, all.vfio, all.container),
        ],
        kvm: [call(spapr.until_linked, all.kvm), call(spapr.unlink_liobn, all.vfio, all.kvm)],
      }),
      always: law,
      sometimes: {
        'user space is gone, and the group is as it left it': isOutlived,
        'the VMM is the last': ({ kvm, next, group: of }) =>
          next('kvm') === null && kvm.iommu_id.value === 0 && of.container_users.n > 0,
      },
      atEnd: {
        'KVM was told the IOMMU id': ({ result }) => result(linked) === IOMMU_ID,
        'the container is gone, and the group is closed': ({ container, group: of }) =>
          container.freed && of.chart.state === 'listed',
        'only the device has the group': ({ group: of }) => of.kref.n === 1 && of.container_users.n === 0,
      },
      leaks: {
        'spapr_tce.owner': leaks['spapr_tce.owner'],
        'group_file.f_count': ({ group_file }) => group_file.f_count.f_count,
      },
      expect: [],
    }),
    'v4.13': variant({
      summary: 'As before, and the device is unbound meanwhile: with the order of v4.13 in the put.',
      objects,
      start,
      threads: (all) => ({
        vmm: [
          ...initialises(all),
          call(v3_12.vfio_device_fops_release, all.vfio, device),
          call(spapr.close_group, all.vfio, all.files.group_fd),
          call(v3_12.vfio_fops_release, all.vfio, all.container),
          unbind(all),
        ],
        kvm: [call(spapr.until_linked, all.kvm), call(spapr.unlink_liobn, all.vfio, all.kvm, v4_13.vfio_group_put_external_user)],
      }),
      always: law,
      sometimes: {
        'user space is gone, and the group is as it left it': isOutlived,
        'its device is gone, too': (seen) => isOutlived(seen) && seen.device.freed,
      },
      atEnd: { 'group and container are gone': ({ group: of, container }) => of.freed && container.freed },
      leaks: { ...leaks, 'group_file.f_count': ({ group_file }) => group_file.f_count.f_count },
      expect: [],
    }),
    'v3.12-refusals': variant({
      summary: 'One after the other, each step that is out of order, and the next that is in order.',
      objects: { ...objects, e1000e: inV3_12.device_driver, sibling: inV3_12.device },
      start: {
        ...start,
        'iommu_group.devices': { entries: ['dev', 'sibling'] },
        'iommu_group.devices_kobj': { n: 4 },
        'sibling.iommu_group': { value: { at: 'iommu_group' } },
        'sibling.group_device': { on: 'iommu_group.devices' },
        'sibling.driver': { value: { at: 'e1000e' } },
        'e1000e.name': { value: 'e1000e' },
      },
      threads: ({ vfio, container, group_file, files, kvm, e1000e, sibling }) => ({
        vmm: [
          call(spapr.link_liobn, vfio, kvm, files.container_fd).into(answer('of_container_file')),
          call(spapr.link_liobn, vfio, kvm, files.group_fd).into(answer('of_no_file')),
          call(v3_12.vfio_ioctl_set_iommu, vfio, container).into(answer('iommu_without_group')),

          call(spapr.open_group, vfio, MINOR, group_file, files.group_fd).into(group),
          call(v3_12.vfio_group_fops_open, vfio, MINOR).into(answer('second_open')),
          call(spapr.link_liobn, vfio, kvm, files.group_fd).into(answer('before_container')),
          call(v3_12.vfio_group_get_device_fd, vfio, group, NAME).into(answer('device_before_container')),

          call(v3_12.vfio_group_set_container, vfio, group, container),
          call(v3_12.vfio_group_set_container, vfio, group, container).into(answer('second_container')),
          call(spapr.link_liobn, vfio, kvm, files.group_fd).into(answer('before_iommu')),
          call(v3_12.vfio_group_get_device_fd, vfio, group, NAME).into(answer('device_before_iommu')),

          call(v3_12.vfio_ioctl_set_iommu, vfio, container),
          call(v3_12.vfio_ioctl_set_iommu, vfio, container).into(answer('second_iommu')),
          call(spapr.link_liobn, vfio, kvm, files.group_fd).into(answer('beside_host_driver')),
          call(v3_12.vfio_group_get_device_fd, vfio, group, NAME).into(answer('device_beside_host_driver')),

          call(v3_12.unbind_store, v3_12.host_driver(e1000e), sibling, v3_12.iommu_group_notifiers(vfio)),
          call(v3_12.vfio_group_get_status, vfio, group).into(answer('status')),
          call(spapr.link_liobn, vfio, kvm, files.group_fd).into(linked),
          call(v3_12.vfio_group_unset_container, vfio, group).into(answer('unset_under_kvm')),

          call(spapr.close_group, vfio, files.group_fd),
          call(v3_12.vfio_group_fops_open, vfio, MINOR).into(answer('open_under_kvm')),

          call(spapr.unlink_liobn, vfio, kvm),
          call(v3_12.vfio_group_fops_open, vfio, MINOR).into(answer('open_after_kvm')),
        ],
      }),
      always: usersLaw,
      atEnd: {
        'each step out of order is refused': ({ result }) =>
          Object.entries(refusals).every(([name, errno]) => result(answer(name)) === errno),
        'the group is viable without the host': ({ result }) =>
          result(answer('status')) === (v3_12.VFIO_GROUP_FLAGS_VIABLE | v3_12.VFIO_GROUP_FLAGS_CONTAINER_SET),
        'in order it is not': ({ result }) => result(linked) === IOMMU_ID && typeof result(answer('open_after_kvm')) === 'object',
        'the back end has gone with KVM': ({ spapr_tce, container }) => spapr_tce.owner.refcnt === 1 && container.kref.n === 1,
      },
      leaks: moduleReferences('vfio_pci', 'spapr_tce'),
      expect: [],
    }),
  },
});
