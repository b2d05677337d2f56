/**
 * A device that is unregistered is put on its group's unbound_list: until its driver is gone altogether it counts as
 * harmless. The entry is taken off when the driver core says UNBOUND, which it never says of a probe that has failed.
 *
 * A registration that fails halfway is undone by the unregistration, and leaves such an entry behind. The device is then
 * given back to its driver of the host, while the user of the group goes on with another device in it. The check that
 * would stop the host with a BUG_ON finds the entry and is satisfied, and so is the check of VFIO_GROUP_GET_DEVICE_FD:
 * the host and the user do DMA from one group that no IOMMU separates. Nothing is printed.
 *
 * In the merged design there is no such list. Who attaches a group to a container owns its DMA, and the probe of a driver
 * of the host is refused; or the host was first, and the container is.
 */
import { worker_thread } from '../../actors/sync/work.ts';
import { EBUSY, ENOMEM, EPERM } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, daemon, defineScenario, local, variant } from '../../src/index.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { outOfMemory } from './setup/out-of-memory.ts';
import { mergedSibling, rfcSibling, SIBLING } from './setup/with-sibling.ts';

const probed = local<number>('probed');
const hosted = local<number>('hosted');
const fd = local<inRfc.VfioDevice | merged.VfioDeviceFile | number>('fd');
const group_fd = local<merged.GroupFile | number>('group_fd');
const attached = local<number>('attached');

export default defineScenario({
  name: 'stale-unbound-entry',
  summary: 'After a probe that failed, a group counts as safe to use while a driver of the host has a device in it',
  assumes: 'There is no memory for the node of the device, so that vfio-pci fails; the device is then given back to e1000e.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device()',
  covers: ['Y-5'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      objects: {
        ...rfcSibling.objects,
        e1000e: inRfc.device_driver,
        workqueues: inRfc.workqueues,
        put_work: pool(inRfc.vfio_group_put_work),
      },
      start: { ...rfcSibling.start(), 'e1000e.name': { value: 'e1000e' } },
      threads: ({ vfio, vfio_pci, e1000e, group, device, dev, unbound, put_work, workqueues: { system_wq } }) => {
        const flags = rfc.VFIO_DEVNODE_GROUP | rfc.VFIO_DEVNODE_NONGROUP;
        const driver = rfc.vfioPci(vfio, vfio_pci, device, flags, { vfio_unbound_dev: unbound });
        const callbacks = rfc.iommuGroupNotifiers(vfio, { vfio_group_put_work: put_work, system_wq });
        return {
          admin: [
            call(rfc.device_driver_attach, outOfMemory('device_create', driver), dev, callbacks).into(probed),
            call(rfc.device_driver_attach, rfc.hostDriver(e1000e), dev, callbacks).into(hosted),
          ],
          user: [call(rfc.vfio_group_get_device_fd, vfio, group, SIBLING).into(fd)],
          kworker: daemon([call(worker_thread, system_wq, rfc.workFunctions(vfio))]),
        };
      },
      always: {
        'the host and the user do not share the group': ({ dev, sibling, result }) =>
          dev.driver.value.at !== 'e1000e' || sibling.refcount.n < 2 || result(hosted) !== 0 || typeof result(fd) !== 'object',
      },
      sometimes: {
        'the entry is there, and the device on its way to nowhere': ({ all, result }) =>
          result(probed) === -ENOMEM && all('unbound').some(({ freed }) => !freed),
        'the user is let in while the host has its driver there': ({ next, result }) =>
          next('user') === 'try_module_get' && result(hosted) === 0,
      },
      leaks: { unbound: ({ all }) => all('unbound').filter(({ freed }) => !freed).length },
      expect: [
        { kind: 'invariant', object: 'dev.driver', between: ['refcount_inc_not_zero', 'store'] },
        // It stays until the group is released.
        { kind: 'leak', object: 'unbound' },
      ],
    }),
    merged: variant({
      objects: { ...mergedSibling.objects, e1000e: merged.device_driver, file: pool(merged.file) },
      start: mergedSibling.start,
      threads: ({ vfio, vfio_pci, e1000e, container, group, dev_set, sibling_dev, device, dev, file, df }) => {
        const driver = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device } });
        return {
          admin: [
            call(v6_6.device_driver_attach, outOfMemory('sysfs_create_dir_ns', driver), dev).into(probed),
            call(v6_6.device_driver_attach, v6_6.host_driver(e1000e), dev).into(hosted),
          ],
          user: [
            call(v6_6.openGroup, vfio, group, { file }).into(group_fd),
            call(v6_6.vfio_group_ioctl_set_container, vfio, group, container).into(attached),
            call(v6_6.vfio_ioctl_set_iommu, vfio, container).ifOk(attached),
            call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, sibling_dev, { vfio_device_file: df }).ifOk(attached).into(fd),
          ],
        };
      },
      always: {
        ...mergedGroupLaws('sibling'),
        'the host and the user do not share the group': ({ dev, sibling, result }) =>
          dev.driver.value.at !== 'e1000e' || sibling.refcount.n < 2 || result(hosted) !== 0 || typeof result(fd) !== 'object',
        'the group has one owner': ({ iommu_group, result }) => iommu_group.owner.value.at === 'NULL' || result(hosted) !== 0,
      },
      sometimes: {
        'the host is refused': ({ result }) => result(hosted) === -EBUSY && typeof result(fd) === 'object',
        'the user is refused': ({ result }) => result(attached) === -EPERM && result(hosted) === 0,
      },
      atEnd: {
        'one has the group': ({ result }) => (result(hosted) === 0) !== (typeof result(fd) === 'object'),
      },
      leaks: { device: ({ all }) => all('device').filter(({ freed }) => !freed).length },
      expect: [],
    }),
  },
});
