/**
 * The node of a device is opened while its driver is unbound from it.
 *
 * The remove first takes away what the device is found by, its place in the list of the group and its node, and then puts
 * the reference of the registration. An open that has found the cdev before may come in between, and is let in: its
 * reference is what the remove then waits for. Until its file is closed the user may bind it and have all that a user
 * has; the driver, whose remove has not returned, is there for him.
 */
import { EIO, ENODEV, ENOENT } from '../../actors/vfio/errno.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { driverOf, pdev } from './setup/driver.ts';
import { node, nodeLaws } from './setup/node.ts';

const fd = local<merged.VfioDeviceFile | number>('fd');
const bound = local<number>('bound');
const read = local<number>('read');

export default defineScenario({
  name: 'open-while-unregistering',
  summary: 'A node is opened while its device is unregistered',
  source: 'vfio_unregister_group_dev(), drivers/vfio/vfio_main.c, v6.6',
  covers: ['Z-2'],
  tags: ['seed-002'],
  variants: {
    'v6.6': variant({
      objects: { ...node.objects, iommufd: merged.iommufd_ctx, pdev },
      start: node.start,
      threads: ({ vfio, vfio_pci, device, dev, dev_set, df, iommufd, pdev }) => {
        const ops = driverOf(pdev);
        return {
          admin: [
            call(v6_6.device_driver_detach, v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: {}, ops }), dev),
          ],
          user: [
            call(v6_6.openDevice, vfio, device, { vfio_device_file: df }, ops).into(fd),
            call(v6_6.vfio_df_ioctl_bind_iommufd, vfio, fd, iommufd, ops).ifOk(fd).into(bound),
            call(v6_6.vfio_device_fops_read, vfio, fd, ops).ifOk(bound).into(read),
            call(v6_6.closeDevice, vfio, fd, ops).ifOk(fd),
          ],
        };
      },
      always: {
        ...nodeLaws,
        'who is in has all of it': ({ result }) => (result(bound) ?? 0) === 0 && result(read) !== -EIO,
        'the driver is there while a file is open': ({ all, dev }) =>
          dev.driver.value.at === 'vfio_pci' || all('df').every(({ freed, chart }) => freed || chart.state === 'released'),
      },
      sometimes: {
        'the user is in, and the registration still to be put': ({ next, all, device, vfio }) =>
          vfio.chrdevs.cdevs['device']?.node === false &&
          next('admin') === 'refcount_dec_and_test' &&
          device.refcount.n === 2 &&
          all('df').some(({ freed }) => !freed),
        'the remove waits for a user who came in after the node was gone': ({ next, result, device }) =>
          next('admin') === 'wait_for_completion' && result(read) === 0 && device.open_count.value === 1,
        'he comes too late for the node': ({ result }) => result(fd) === -ENOENT,
        'he comes too late for the registration': ({ result }) => result(fd) === -ENODEV,
      },
      atEnd: { 'device and group are gone': ({ device, group }) => device.freed && group.freed },
      leaks: {
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length,
        'vfio.chrdevs': ({ vfio }) => Object.keys(vfio.chrdevs.cdevs).length,
        'vfio.devices_kset': ({ vfio }) => vfio.devices_kset.entries.length,
        'dev_set.device_list': ({ dev_set }) => dev_set.device_list.entries.length,
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        iommufd: ({ iommufd }) => iommufd.f_count.f_count - 1,
        df: ({ all }) => all('df').filter(({ freed }) => !freed).length,
      },
      expect: [],
    }),
  },
});
