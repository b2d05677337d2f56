/**
 * vfio_register_device() resets minor, group and opened before it asks whether the device is registered already. The
 * second of two calls is refused with -EBUSY, and by then it has wiped what the first has noted.
 *
 * The unregistration goes by these notes: without a minor it leaves the number, the node and the entry in device_list
 * where they are, without a group the entry in the group and the group's reference. The driver frees the device all the
 * same, and who next opens the node, walks the list or looks a device up in the group reaches freed memory. Who exposes
 * a node twice is not even warned; who joins a group twice is warned, and harmed all the same.
 *
 * In the merged design the identity of a device is made when it is allocated, and a device that its group knows already
 * is refused, with a warning, under vfio.group_lock and before anything is written.
 */
import { worker_thread } from '../../actors/sync/work.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import type * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { device_of_admin, mergedGroup, NAME, registersTwice, registersTwiceInMerged, rfcGroup } from './setup/registers-twice.ts';

const { VFIO_DEVNODE_GROUP: GROUP, VFIO_DEVNODE_NONGROUP: NONGROUP } = rfc;
const fd = local<inRfc.VfioDevice | number>('fd');
const file = local<merged.VfioDeviceFile | number>('file');

export default defineScenario({
  name: 'double-registration',
  summary: 'A registration that is refused has wiped what the first one noted of the device',
  assumes: 'A driver registers one device twice, in one probe, and stays bound although the second call is refused.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-2'],
  tags: ['seed-002'],
  variants: {
    'rfc-node': variant({
      summary: 'A device with a node and no group. It is unbound, and then the next device is bound.',
      objects: {
        vfio: inRfc.vfio,
        vfio_mdev: inRfc.device_driver,
        device: inRfc.vfio_device,
        dev: inRfc.device,
        other: inRfc.vfio_device,
        other_dev: inRfc.device,
      },
      start: inRfc.initialised({ device: 'device', dev: 'dev', name: 'a' }, { device: 'other', dev: 'other_dev', name: 'b' }),
      threads: ({ vfio, vfio_mdev, device, dev, other, other_dev }) => {
        const driver = registersTwice({ vfio, driver: vfio_mdev, device, flags: [NONGROUP, NONGROUP] }, 'stays bound');
        return {
          admin: [
            call(rfc.device_driver_attach, driver, dev),
            call(rfc.device_driver_detach, driver, dev),
            call(rfc.device_driver_attach, rfc.vfioPci(vfio, vfio_mdev, other, NONGROUP), other_dev),
          ],
          user: [call(rfc.vfio_device_fops_open, vfio, 0).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
        };
      },
      sometimes: {
        'the device is listed, and open, and its minor is forgotten': ({ vfio, device, result }) =>
          vfio.device_list.entries.includes('device') && device.minor.value === -1 && typeof result(fd) === 'object',
      },
      expect: [
        // By the node that is left, and by the entry that is left.
        { kind: 'use-after-free', object: 'device', between: ['kfree', 'refcount_inc_not_zero'] },
        { kind: 'use-after-free', object: 'device', between: ['kfree', 'list_next_entry'] },
      ],
    }),
    'rfc-group': variant({
      summary: 'A device in a group that is in use. It is unbound while the user asks for it.',
      ...rfcGroup,
      threads: ({ vfio, vfio_pci, group, device, dev, put_work, workqueues: { system_wq } }) => {
        const driver = registersTwice({ vfio, driver: vfio_pci, device, flags: [GROUP, GROUP] }, 'stays bound');
        const callbacks = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
        return {
          admin: [call(rfc.device_driver_attach, driver, dev, callbacks), call(rfc.device_driver_detach, driver, dev, callbacks)],
          user: [
            call(rfc.vfio_group_get_device_fd, vfio, group, NAME).into(fd),
            call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd),
          ],
          kworker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
        };
      },
      sometimes: {
        'the device is listed, and open, and its group is forgotten': ({ group, device, result }) =>
          group.device_list.entries.includes('device') && device.group.value.at === 'NULL' && typeof result(fd) === 'object',
      },
      // The sibling has one, and the group's file.
      leaks: { 'group.kref': ({ group }) => group.kref.n - 2 },
      expect: [{ kind: 'warn', object: '__vfio_register_group_dev' }],
      leadsTo: [
        { kind: 'use-after-free', object: 'device', between: ['kfree', 'load'] },
        { kind: 'leak', object: 'group.kref' },
      ],
    }),
    merged: variant({
      summary: 'The second call is refused, with a warning; it has changed nothing, and nothing comes of it.',
      ...mergedGroup,
      threads: ({ vfio, vfio_pci, dev, other_dev, dev_set, device, df }) => {
        const pci = { vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device } };
        const driver = registersTwiceInMerged(pci, 'stays bound');
        return {
          admin: [
            call(v6_6.device_driver_attach, driver, dev),
            call(v6_6.device_driver_detach, driver, dev),
            call(v6_6.device_driver_attach, v6_6.vfio_pci_driver(pci), other_dev),
          ],
          user: [
            call(v6_6.openDevice, vfio, device_of_admin, { vfio_device_file: df }).into(file),
            call(v6_6.closeDevice, vfio, file).ifOk(file),
          ],
        };
      },
      always: {
        'what is freed is on no list': ({ vfio, group, dev_set }) =>
          [vfio.group_list, vfio.devices_kset, group.device_list, dev_set.device_list].every(({ freed }) => freed.length === 0),
      },
      sometimes: {
        'the device is open when the second call is refused': ({ next, result }) =>
          next('admin') === 'WARN' && typeof result(file) === 'object',
      },
      // The sibling and the next device are there when all is over.
      leaks: {
        'group.drivers': ({ group }) => group.drivers.n - 2,
        'group.device_list': ({ group }) => group.device_list.entries.length - 2,
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length - 2,
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 4,
        device: ({ all }) => all('device').filter(({ freed }) => !freed).length - 1,
      },
      expect: [{ kind: 'warn', object: 'vfio_group_find_or_alloc' }],
      leadsToNothing: true,
    }),
  },
});
