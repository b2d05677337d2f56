/**
 * A device that is exposed both ways, and opened through its group, is unregistered in two waits, one for each kind of
 * reference. The first is for the device: for whoever has it open, by whatever way. Then its node goes, and it leaves its
 * group. The second, where it was the last of its group, is for the group: until it is off its container.
 *
 * In between the IOMMU group is still the user's, although there is no device any more that the user could have. Who
 * unbinds a driver to bind another needs both: after the first alone the driver of the host would come to a group that is
 * attached to the user's address space, and what looks at that then is a BUG_ON. It is why v4.14 added the second. Either
 * may be the one that takes longer, so that a model with one wait for "the users" could tell neither what holds in
 * between nor why the rebind is safe.
 *
 * In the merged design the second is gone: the last device takes the group off its container, whoever has it open.
 */
import { worker_thread } from '../../actors/sync/work.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { usersNoted } from '../laws/container-users.ts';

const rebound = local<number>('rebound');
const fd = local<merged.VfioDeviceFile | number>('fd');

export default defineScenario({
  name: 'unregister-waits-twice',
  summary: 'A device leaves in two waits: one for its users, one for the container of its group',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device()',
  covers: ['Y-16'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'The device is exposed both ways, and opened through its group; one task has its file, and one that of the group.',
      objects: {
        vfio: inRfc.vfio,
        vfio_pci: inRfc.device_driver,
        e1000e: inRfc.device_driver,
        type1: inRfc.vfio_iommu_driver,
        container: inRfc.vfio_container,
        iommu_group: inRfc.iommu_group,
        group: inRfc.vfio_group,
        device: inRfc.vfio_device,
        dev: inRfc.device,
        workqueues: inRfc.workqueues,
        unbound: pool(inRfc.vfio_unbound_dev),
        put_work: pool(inRfc.vfio_group_put_work, 2),
      },
      start: {
        ...inRfc.loaded('type1'),
        ...inRfc.registered('vfio_pci', {
          groups: [
            {
              group: 'group',
              iommu_group: 'iommu_group',
              devices: [{ device: 'device', dev: 'dev', minor: 0 }],
              opened: true,
              container: 'container',
            },
          ],
        }),
        ...inRfc.iommuSet('container', 'type1'),
        ...inRfc.inIommuGroup('iommu_group', 'dev'),
        'e1000e.name': { value: 'e1000e' },
        // What VFIO_GROUP_GET_DEVICE_FD has added.
        'device.refcount': { n: 2 },
        'group.container_users': { n: 2 },
        'group.users': { attached: 1, devices: 1 },
        'vfio_pci.owner': { refcnt: 2 },
      },
      threads: ({ vfio, vfio_pci, e1000e, group, device, dev, unbound, put_work, workqueues: { system_wq } }) => {
        const flags = rfc.VFIO_DEVNODE_GROUP | rfc.VFIO_DEVNODE_NONGROUP;
        const driver = rfc.vfioPci(vfio, vfio_pci, device, flags, { vfio_unbound_dev: unbound });
        const callbacks = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
        return {
          admin: [
            call(rfc.device_driver_detach, driver, dev, callbacks),
            call(rfc.device_driver_attach, rfc.hostDriver(e1000e), dev, callbacks).into(rebound),
          ],
          user: [call(rfc.vfio_device_fops_release, vfio, device)],
          group_user: [call(rfc.vfio_group_fops_release, vfio, group)],
          kworker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
        };
      },
      always: {
        ...usersNoted('group'),
        'the node goes when nobody has the device any more': ({ vfio, device }) =>
          0 in vfio.device_idr.entries || device.freed || device.refcount.n === 0,
        'the device is freed off all lists': ({ device, vfio, group }) =>
          !device.freed || (vfio.device_list.entries.length === 0 && (group.freed || group.device_list.entries.length === 0)),
        'the host comes when the container has let go': ({ dev, group }) =>
          dev.driver.value.at !== 'e1000e' || group.freed || group.container.value.at === 'NULL',
        'who is counted as a user of the container has one': ({ group }) =>
          group.freed || group.container_users.n === 0 || group.container.value.at === 'container',
      },
      sometimes: {
        'it waits for the device': ({ next }) => next('admin') === 'wait_for_completion',
        'the node is gone, and the group is still on its container': ({ vfio, group, next }) =>
          !(0 in vfio.device_idr.entries) && group.container.value.at === 'container' && next('admin') === 'schedule',
        'the container has let go, and the device is still open': ({ group, device }) =>
          group.container.value.at === 'NULL' && device.refcount.n === 1 && device.chart.state === 'going',
        'the host comes while the group is still open': ({ result, group }) => result(rebound) === 0 && !group.freed,
      },
      atEnd: { 'the host has the device': ({ dev, result }) => result(rebound) === 0 && dev.driver.value.at === 'e1000e' },
      leaks: {
        device: ({ device }) => (device.freed ? 0 : 1),
        group: ({ group }) => (group.freed ? 0 : 1),
        unbound: ({ all }) => all('unbound').filter(({ freed }) => !freed).length,
        put_work: ({ all }) => all('put_work').filter(({ freed }) => !freed).length,
        'vfio.device_class': ({ vfio }) => Object.keys(vfio.device_class.nodes).length,
        'vfio.group_idr': ({ vfio }) => Object.keys(vfio.group_idr.entries).length,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        'type1.owner': ({ type1 }) => type1.owner.refcnt - 1,
        // That of the device, and that of the container's file, which is open.
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 1,
        'container.kref': ({ container }) => container.kref.n - 1,
      },
      expect: [],
    }),
    merged: variant({
      summary: 'The one wait is for the device. The group is taken off its container, under its open file.',
      objects: {
        vfio: merged.vfio,
        vfio_pci: merged.device_driver,
        e1000e: merged.device_driver,
        container: merged.vfio_container,
        iommu_group: merged.iommu_group,
        group: merged.vfio_group,
        dev_set: merged.vfio_device_set,
        device: merged.vfio_device,
        dev: merged.device,
        file: merged.file,
        df: pool(merged.vfio_device_file),
      },
      start: merged.registered({
        group: 'group',
        iommu_group: 'iommu_group',
        devices: [{ device: 'device', dev: 'dev', dev_set: 'dev_set', driver: 'vfio_pci' }],
        opened: { file: 'file', container: 'container' },
      }),
      threads: ({ vfio, vfio_pci, e1000e, group, dev_set, dev, file, df }) => {
        const driver = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: {} });
        return {
          admin: [
            call(v6_6.device_driver_detach, driver, dev),
            call(v6_6.device_driver_attach, v6_6.host_driver(e1000e), dev).into(rebound),
          ],
          user: [
            call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, dev, { vfio_device_file: df }).into(fd),
            call(v6_6.closeDevice, vfio, fd).ifOk(fd),
            call(v6_6.closeGroup, vfio, group, file),
          ],
        };
      },
      always: {
        ...mergedGroupLaws('device'),
        'the host comes when the container has let go': ({ dev, iommu_group }) =>
          dev.driver.value.at !== 'e1000e' || iommu_group.owner.value.at === 'NULL',
        'the group is on a container as long as somebody uses it': ({ group }) =>
          group.freed ||
          group.group_lock.owner !== null ||
          (group.container.value.at !== 'NULL') === group.container_users.value > 0,
      },
      sometimes: {
        'it waits for the device': ({ next }) => next('admin') === 'wait_for_completion',
        'the host comes while the group is still open': ({ result, group }) =>
          result(rebound) === 0 && group.opened_file.value.at !== 'NULL',
      },
      atEnd: { 'the host has the device': ({ dev, result }) => result(rebound) === 0 && dev.driver.value.at === 'e1000e' },
      leaks: {
        device: ({ device }) => (device.freed ? 0 : 1),
        group: ({ group }) => (group.freed ? 0 : 1),
        file: ({ file }) => (file.freed ? 0 : 1),
        df: ({ all }) => all('df').filter(({ freed }) => !freed).length,
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length,
        'vfio.group_ida': ({ vfio }) => vfio.group_ida.ids.length,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
        // The host's use of the default domain.
        'iommu_group.owner_cnt': ({ iommu_group }) => iommu_group.owner_cnt.value - 1,
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 1,
        'container.kref': ({ container }) => container.kref.n - 1,
      },
      expect: [],
    }),
  },
});
