/**
 * A device is bound by its own node while its group is opened by the group's file.
 *
 * Each of the two asks for the other under the lock of the group, and leaves word there of itself before it lets go: the
 * bind counts up cdev_device_open_cnt where the group is not open, the open of the group sets opened_file where nothing is
 * bound. One of them gets -EBUSY, whichever it is, and neither has to wait for what the other goes on to do.
 *
 * What they keep apart is the two ways of opening a device, not DMA. That has an owner of its own: SET_CONTAINER claims the
 * IOMMU group for the vfio_group, a bind for the iommufd, and who comes second gets -EPERM.
 */
import { EBUSY } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { node, nodeAtEnd, nodeLaws, nodeLeaks } from './setup/node.ts';

const fd = local<merged.VfioDeviceFile | number>('fd');
const bound = local<number>('bound');
const group_fd = local<merged.GroupFile | number>('group_fd');
const set = local<number>('set');
const iommu = local<number>('iommu');

const objects = { ...node.objects, file: pool(merged.file), iommufd: merged.iommufd_ctx };

export default defineScenario({
  name: 'bind-or-group',
  summary: 'A device is bound by its own node while its group is opened',
  source: 'vfio_device_block_group() and vfio_group_fops_open(), drivers/vfio/group.c, v6.6',
  covers: ['Z-6'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      summary: 'Both keep what they get.',
      objects,
      start: node.start,
      threads: ({ vfio, device, group, df, file, iommufd }) => ({
        vmm: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd).into(bound),
        ],
        legacy: [call(v6_6.openGroup, vfio, group, { file }).into(group_fd)],
      }),
      always: nodeLaws,
      sometimes: {
        'the group is opened between the open of the node and its bind': ({ result }) =>
          typeof result(fd) === 'object' && typeof result(group_fd) === 'object' && result(bound) === undefined,
        'the group is refused while the bind is under way': ({ result, device }) =>
          result(group_fd) === -EBUSY && device.open_count.value === 0,
        'one waits for the lock that the other has': ({ blocked, group }) =>
          blocked('legacy') && group.cdev_device_open_cnt.value === 1,
      },
      atEnd: {
        ...nodeAtEnd,
        'one of them has it, and the other was told -EBUSY': ({ result }) =>
          result(bound) === 0 ? result(group_fd) === -EBUSY : result(bound) === -EBUSY && typeof result(group_fd) === 'object',
      },
      expect: [],
    }),
    'v6.6-closed': variant({
      summary: 'Both go on to an IOMMU, and let go in the end.',
      objects: { ...objects, container: merged.vfio_container },
      start: node.start,
      threads: ({ vfio, device, group, container, df, file, iommufd }) => ({
        vmm: [
          call(v6_6.openDevice, vfio, device, { vfio_device_file: df }).into(fd),
          call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd).into(bound),
          call(v6_6.closeDevice, vfio, fd),
        ],
        legacy: [
          call(v6_6.openGroup, vfio, group, { file }).into(group_fd),
          call(v6_6.vfio_group_ioctl_set_container, vfio, group, container).ifOk(group_fd).into(set),
          call(v6_6.vfio_ioctl_set_iommu, vfio, container).ifOk(set).into(iommu),
          call(v6_6.closeGroup, vfio, group, group_fd).ifOk(group_fd),
          call(v6_6.vfio_fops_release, vfio, container),
        ],
      }),
      always: {
        ...nodeLaws,
        'a group that is open gets its container': ({ result }) => (result(set) ?? 0) === 0 && (result(iommu) ?? 0) === 0,
      },
      sometimes: {
        'the bind is refused': ({ result }) => result(bound) === -EBUSY,
        'the group is refused': ({ result }) => result(group_fd) === -EBUSY,
        'one comes after the other': ({ result }) => result(bound) === 0 && result(iommu) === 0,
        'the group is open, on a container, when the bind asks': ({ next, result, group, container }) =>
          typeof result(fd) === 'object' &&
          next('vmm') === 'mutex_lock' &&
          group.cdev_device_open_cnt.value === 0 &&
          container.chart.state === 'iommu_set',
      },
      atEnd: { ...nodeAtEnd, 'the container is gone': ({ container }) => container.freed },
      leaks: {
        ...nodeLeaks,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        file: ({ all }) => all('file').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
  },
});
