/**
 * The life of a device file of v6.6, one system call after the other, with each that is refused.
 *
 * The node of a device gives nothing but a file to whoever opens it. What makes it the device's is BIND_IOMMUFD, which
 * claims the DMA of its IOMMU group for the iommufd, opens the device, and keeps the group from being opened by its own
 * file; until then every other call is -EINVAL. Bound, the device is blocked from all memory. ATTACH_IOMMUFD_PT puts it on
 * a page table of the iommufd, or moves it from one to another; DETACH_IOMMUFD_PT blocks it again, and of a device that
 * is not attached it is a success that does nothing. There is no unbind: a file that was bound is so until it is
 * closed, and the close detaches what is still attached.
 */
import { EBADF, EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { NULL, pool } from '../../machines/object.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { close, node, nodeAtEnd, nodeLaws, nodeLeaks, sharedNode, sharedNodeLaws, sharedNodeLeaks } from './setup/node.ts';

const fd = local<merged.VfioDeviceFile | number>('fd');
const second_fd = local<merged.VfioDeviceFile | number>('second_fd');
const group_fd = local<merged.GroupFile | number>('group_fd');
const early_ioctl = local<number>('early_ioctl');
const early_read = local<number>('early_read');
const early_attach = local<number>('early_attach');
const bad_fd = local<number>('bad_fd');
const refused = local<number>('refused');
const bound = local<number>('bound');
const bound_twice = local<number>('bound_twice');
const second_bound = local<number>('second_bound');
const ioctl = local<number>('ioctl');
const attached = local<number>('attached');
const moved = local<number>('moved');
const detached = local<number>('detached');
const detached_twice = local<number>('detached_twice');
const attached_again = local<number>('attached_again');
const regained = local<merged.GroupFile | number>('regained');

const objects = {
  ...node.objects,
  iommufd: merged.iommufd_ctx,
  other_iommufd: merged.iommufd_ctx,
  pt_a: merged.iommufd_hw_pagetable,
  pt_b: merged.iommufd_hw_pagetable,
  file: pool(merged.file, 2),
};

export default defineScenario({
  name: 'cdev-lifecycle',
  summary: 'A device is opened by its node, bound, attached, detached and closed, with each refusal on the way',
  source: 'drivers/vfio/device_cdev.c and iommufd.c, v6.6',
  covers: [],
  tags: ['seed-002', 'nominal'],
  variants: {
    alone: variant({
      summary: 'One file, and what it may do when.',
      objects,
      start: node.start,
      threads: ({ vfio, device, df, iommufd, other_iommufd, pt_a, pt_b }) => ({
        vmm: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd),
          call(v6_6.vfio_device_fops_unl_ioctl, vfio, fd).into(early_ioctl),
          call(v6_6.vfio_device_fops_read, vfio, fd).into(early_read),
          call(v6_6.attachIommufdPt, vfio, fd, pt_a).into(early_attach),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, NULL).into(bad_fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd).into(bound),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, other_iommufd).into(bound_twice),
          call(v6_6.vfio_device_fops_unl_ioctl, vfio, fd).into(ioctl),
          call(v6_6.attachIommufdPt, vfio, fd, pt_a).into(attached),
          call(v6_6.attachIommufdPt, vfio, fd, pt_b).into(moved),
          call(v6_6.detachIommufdPt, vfio, fd).into(detached),
          call(v6_6.detachIommufdPt, vfio, fd).into(detached_twice),
          call(v6_6.attachIommufdPt, vfio, fd, pt_a).into(attached_again),
          call(v6_6.closeDevice, vfio, fd),
        ],
      }),
      always: {
        ...nodeLaws,
        'a device is attached only while it is bound': ({ device }) =>
          !device.iommufd_attached.value || device.iommufd_device.value.at !== 'NULL',
      },
      sometimes: {
        'open, it is blocked': ({ result, device }) => typeof result(fd) === 'object' && device.open_count.value === 0,
        'bound, its DMA is the iommufd’s and goes nowhere': ({ result, iommu_group }) =>
          result(bound) === 0 && iommu_group.owner.value.at === 'iommufd' && iommu_group.domain.value.at === 'NULL',
        'attached, it has one page table': ({ iommu_group, pt_a }) =>
          iommu_group.domain.value.at === 'pt_a' && pt_a.users.n === 2,
        'moved, it has the other': ({ iommu_group, pt_a, pt_b }) =>
          iommu_group.domain.value.at === 'pt_b' && pt_a.users.n === 1 && pt_b.users.n === 2,
        'it is closed while it is attached': ({ result, iommu_group, device }) =>
          result(attached_again) === 0 && iommu_group.domain.value.at === 'pt_a' && device.open_count.value === 1,
      },
      atEnd: {
        ...nodeAtEnd,
        'before the bind nothing goes': ({ result }) =>
          [early_ioctl, early_read, early_attach].every((call) => result(call) === -EINVAL),
        'a bind needs an iommufd': ({ result }) => result(bad_fd) === -EBADF,
        'a file is bound once': ({ result }) => result(bound) === 0 && result(bound_twice) === -EINVAL,
        'after the bind all goes': ({ result }) =>
          [ioctl, attached, moved, detached, detached_twice, attached_again].every((call) => result(call) === 0),
      },
      leaks: {
        ...nodeLeaks,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        other_iommufd: ({ other_iommufd }) => other_iommufd.f_count.f_count - 1,
        pt_a: ({ pt_a }) => pt_a.users.n - 1,
        pt_b: ({ pt_b }) => pt_b.users.n - 1,
        'iommufd.igroup_device_list': ({ iommufd }) => iommufd.igroup_device_list.entries.length,
        'iommu_group.domain': ({ iommu_group }) => (iommu_group.domain.value.at === 'NULL' ? 0 : 1),
      },
      expect: [],
    }),
    'beside-others': variant({
      summary: 'Its group and a second file of the same node, which are refused while it is bound.',
      objects,
      start: node.start,
      threads: ({ vfio, group, device, df, file, iommufd, other_iommufd }) => ({
        vmm: [
          call(v6_6.openGroup, vfio, group, { file }).into(group_fd),
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd).into(refused),
          call(v6_6.closeGroup, vfio, group, group_fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd).into(bound),
          call(v6_6.openGroup, vfio, group, { file }).into(regained),
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(second_fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, second_fd, other_iommufd).into(second_bound),
          call(v6_6.closeDevice, vfio, second_fd),
          call(v6_6.closeDevice, vfio, fd),
        ],
      }),
      always: nodeLaws,
      sometimes: {
        'a bound file outlives one that is not': ({ device, all }) =>
          device.open_count.value === 1 && all('df').some(({ freed }) => freed),
      },
      atEnd: {
        ...nodeAtEnd,
        'no bind while the group is open': ({ result }) => result(refused) === -EBUSY,
        'no group while a file is bound': ({ result }) => result(bound) === 0 && result(regained) === -EBUSY,
        'the node may be opened twice, and bound once': ({ result }) =>
          typeof result(second_fd) === 'object' && result(second_bound) === -EINVAL,
      },
      leaks: {
        ...nodeLeaks,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        other_iommufd: ({ other_iommufd }) => other_iommufd.f_count.f_count - 1,
        file: ({ all }) => all('file').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
    shared: variant({
      summary: 'Two who have the one file: while one binds and attaches, the other moves the device and detaches it.',
      objects: {
        ...sharedNode.objects,
        iommufd: merged.iommufd_ctx,
        pt_a: merged.iommufd_hw_pagetable,
        pt_b: merged.iommufd_hw_pagetable,
      },
      start: sharedNode.start,
      threads: ({ vfio, df, filp, iommufd, pt_a, pt_b }) => ({
        a: [
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, df, iommufd).into(bound),
          call(v6_6.attachIommufdPt, vfio, df, pt_a).into(attached),
          call(close, vfio, filp, df),
        ],
        b: [
          call(v6_6.attachIommufdPt, vfio, df, pt_b).into(moved),
          call(v6_6.detachIommufdPt, vfio, df).into(detached),
          call(close, vfio, filp, df),
        ],
      }),
      always: {
        ...sharedNodeLaws,
        'a page table has a user more while the group is on it': ({ iommu_group, iommufd, pt_a, pt_b }) =>
          iommu_group.mutex.owner !== null ||
          iommufd.igroup_lock.owner !== null ||
          (pt_a.users.n >= (iommu_group.domain.value.at === 'pt_a' ? 2 : 1) &&
            pt_b.users.n >= (iommu_group.domain.value.at === 'pt_b' ? 2 : 1)),
      },
      sometimes: {
        'b comes before the bind': ({ result }) => result(moved) === -EINVAL && result(detached) === -EINVAL,
        'b attaches it first, and a moves it': ({ result, iommu_group, pt_b }) =>
          result(moved) === 0 && result(attached) === undefined && iommu_group.domain.value.at === 'pt_a' && pt_b.users.n === 2,
        'a attaches it first, and b moves it': ({ result, iommu_group, pt_a }) =>
          result(attached) === 0 && result(moved) === undefined && iommu_group.domain.value.at === 'pt_b' && pt_a.users.n === 2,
        'it is attached when the last of them closes': ({ df, iommu_group }) =>
          df.chart.state === 'released' && iommu_group.domain.value.at === 'pt_a',
        'it was detached before': ({ result, df, iommu_group }) =>
          result(attached) === 0 &&
          df.chart.state === 'released' &&
          result(detached) === 0 &&
          iommu_group.domain.value.at === 'NULL',
      },
      leaks: {
        ...sharedNodeLeaks,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        pt_a: ({ pt_a }) => pt_a.users.n - 1,
        pt_b: ({ pt_b }) => pt_b.users.n - 1,
        'iommufd.igroup_device_list': ({ iommufd }) => iommufd.igroup_device_list.entries.length,
      },
      expect: [],
    }),
  },
});
