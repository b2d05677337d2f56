/**
 * The last device of a group is unbound while user space opens the group by its own file.
 *
 * The group goes with its last driver, and nobody waits for its file. An open that finds the count of drivers at 0 is
 * refused with -ENODEV. One that was quicker has a file that leads nowhere from then on: the group's memory stays with it,
 * but under the lock of the group its container was taken off and its IOMMU group set to NULL. It is told -ENODEV where
 * the IOMMU group is needed, and for a device, and -EINVAL where there would have to be a container.
 *
 * It is this that the design stands on. The count of drivers is a courtesy: without it more files would lead nowhere.
 */
import { EINVAL, ENODEV, ENOENT, ENXIO } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { node } from './setup/node.ts';

const fd = local<merged.GroupFile | number>('fd');
const set = local<number>('set');
const status = local<number>('status');
const device_fd = local<merged.VfioDeviceFile | number>('device_fd');
const unset = local<number>('unset');

export default defineScenario({
  name: 'group-open-while-orphaned',
  summary: 'The last device of a group is unregistered while the group is opened',
  source: 'vfio_device_remove_group() and vfio_group_fops_open(), drivers/vfio/group.c, v6.6',
  covers: ['Z-10'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects: { ...node.objects, file: pool(merged.file), container: merged.vfio_container },
      start: node.start,
      threads: ({ vfio, vfio_pci, group, container, dev, dev_set, df, file }) => ({
        admin: [call(v6_6.device_driver_detach, v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: {} }), dev)],
        user: [
          call(v6_6.openGroup, vfio, group, { file }).into(fd),
          call(v6_6.vfio_group_ioctl_set_container, vfio, group, container).ifOk(fd).into(set),
          call(v6_6.vfio_group_ioctl_get_status, vfio, group).ifOk(fd).into(status),
          call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).ifOk(fd).into(device_fd),
          call(v6_6.vfio_group_ioctl_unset_container, vfio, group).ifOk(fd).into(unset),
          call(v6_6.closeGroup, vfio, group, fd).ifOk(fd),
          call(v6_6.vfio_fops_release, vfio, container),
        ],
      }),
      always: {
        ...mergedGroupLaws('device'),
        'a group without drivers has no container': ({ group, result }) =>
          group.freed || result(status) !== -ENODEV || group.container.value.at === 'NULL',
        'what is refused is refused with -ENODEV or -EINVAL': ({ result }) =>
          [set, status, device_fd, unset].every((of) => {
            const ret = result<unknown>(of);
            return typeof ret !== 'number' || ret >= 0 || ret === -ENODEV || ret === -EINVAL;
          }),
      },
      sometimes: {
        'the file leads nowhere': ({ group, result, iommu_group }) =>
          typeof result(fd) === 'object' && group.chart.state === 'orphan' && !group.freed && !iommu_group.mutex.owner,
        'it is told so': ({ result }) =>
          result(set) === -ENODEV && result(status) === -ENODEV && result(device_fd) === -ENODEV && result(unset) === -EINVAL,
        'its container is taken off it': ({ result }) => result(set) === 0 && result(status) === -ENODEV,
        'it is opened too late, and nothing drives the group': ({ result }) => result(fd) === -ENODEV,
        'it is opened too late for the cdev': ({ result }) => result(fd) === -ENXIO,
        'it is opened too late for the node': ({ result }) => result(fd) === -ENOENT,
        'the open asks while the group is taken apart': ({ blocked, group, next }) =>
          blocked('user') && next('user') === 'mutex_lock' && group.group_lock.owner === 'admin' && group.drivers.n === 0,
      },
      atEnd: {
        'device, group and container are gone': ({ device, group, container }) => device.freed && group.freed && container.freed,
      },
      leaks: {
        'vfio.group_ida': ({ vfio }) => vfio.group_ida.ids.length,
        'vfio.chrdevs': ({ vfio }) => Object.keys(vfio.chrdevs.cdevs).length,
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 1,
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        file: ({ all }) => all('file').filter(({ freed }) => !freed).length,
        df: ({ all }) => all('df').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
  },
});
