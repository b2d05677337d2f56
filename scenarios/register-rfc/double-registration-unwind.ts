/**
 * vfio_register_device() undoes a first half whose second half has failed by an unregistration of the whole device, as if
 * nobody but this call could have registered it. Called for a device that has its node already, and asked for both
 * interfaces, it gets the device into its group on the reference of the first call, is refused the node with -EBUSY, and
 * then puts that reference.
 *
 * The node stays, for its minor is forgotten, and every open of it fails. device->group stays, too, and points at a group
 * whose last reference is gone: the first owner, who unregisters what it has registered, locks freed memory. Where
 * another device keeps the group alive it puts a count of 0 instead, and then waits in its probe, for good, for a
 * completion that was consumed.
 *
 * In the merged design a registration takes all that it takes by itself, and gives back just that where it fails.
 */
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { device_of_admin, NAME, registersTwice, registersTwiceInMerged } from './setup/registers-twice.ts';

const probed = local<number>('probed');
const fd = local<inRfc.VfioDevice | number>('fd');
const file = local<merged.VfioDeviceFile | number>('file');

/** The library exposes a node, the driver wants the group, too. */
const flags = [rfc.VFIO_DEVNODE_NONGROUP, rfc.VFIO_DEVNODE_GROUP | rfc.VFIO_DEVNODE_NONGROUP] as const;
const rfcObjects = {
  vfio: inRfc.vfio,
  vfio_pci: inRfc.device_driver,
  iommu_group: inRfc.iommu_group,
  device: inRfc.vfio_device,
  dev: inRfc.device,
  unbound: pool(inRfc.vfio_unbound_dev, 2),
};

export default defineScenario({
  name: 'double-registration-unwind',
  summary: 'A registration that fails unregisters what another call had registered',
  assumes: 'A driver registers one device twice, in one probe, and unregisters it when the second call fails.',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-3'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'Nothing else is in the group.',
      objects: { ...rfcObjects, group: pool(inRfc.vfio_group) },
      start: { ...inRfc.inIommuGroup('iommu_group', 'dev'), ...inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }) },
      threads: ({ vfio, vfio_pci, device, dev, group, unbound }) => {
        const pools = { vfio_group: group, vfio_unbound_dev: unbound };
        const driver = registersTwice({ vfio, driver: vfio_pci, device, flags, pools }, 'gives up');
        return {
          admin: [call(rfc.device_driver_attach, driver, dev)],
          user: [call(rfc.vfio_device_fops_open, vfio, 0).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
        };
      },
      sometimes: {
        'the second call waits for the user of the first': ({ next, result }) =>
          next('admin') === 'wait_for_completion' && typeof result(fd) === 'object',
        'the node leads to a device whose count is 0': ({ next, device }) =>
          next('user') === 'refcount_inc_not_zero' && device.refcount.n === 0,
      },
      expect: [{ kind: 'use-after-free', object: 'group', between: ['kfree', 'mutex_lock'] }],
    }),
    'rfc-shared-group': variant({
      summary: 'A sibling keeps the group alive.',
      objects: { ...rfcObjects, group: inRfc.vfio_group, sibling: inRfc.vfio_device, sibling_dev: inRfc.device },
      start: {
        ...inRfc.registered('vfio_pci', {
          groups: [
            {
              group: 'group',
              iommu_group: 'iommu_group',
              devices: [{ device: 'sibling', dev: 'sibling_dev', name: '0000:00:14.0' }],
            },
          ],
        }),
        ...inRfc.inIommuGroup('iommu_group', 'sibling_dev', 'dev'),
        ...inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
      },
      threads: ({ vfio, vfio_pci, device, dev, unbound }) => {
        const pools = { vfio_unbound_dev: unbound };
        const driver = registersTwice({ vfio, driver: vfio_pci, device, flags, pools }, 'gives up');
        return {
          admin: [call(rfc.device_driver_attach, driver, dev)],
          user: [call(rfc.vfio_device_fops_open, vfio, 0).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
        };
      },
      sometimes: {
        'the node leads to a device whose count is 0': ({ next, device }) =>
          next('user') === 'refcount_inc_not_zero' && device.refcount.n === 0,
      },
      expect: [{ kind: 'refcount', object: 'device.refcount', between: ['refcount_dec_and_test', 'refcount_dec_and_test'] }],
      leadsTo: [
        { kind: 'starvation', object: 'device.comp' },
        // Now the node can be opened again: the poisoned count lets everybody in.
        { kind: 'refcount', object: 'device.refcount', between: ['refcount_dec_and_test', 'refcount_inc_not_zero'] },
      ],
    }),
    merged: variant({
      summary: 'The second call is refused, with a warning; the first registration is undone once, and whole.',
      objects: {
        vfio: merged.vfio,
        vfio_pci: merged.device_driver,
        iommu_group: merged.iommu_group,
        group: pool(merged.vfio_group),
        dev_set: merged.vfio_device_set,
        device: pool(merged.vfio_device),
        dev: merged.device,
        df: pool(merged.vfio_device_file),
      },
      start: merged.in_iommu_group('iommu_group', 'dev'),
      threads: ({ vfio, vfio_pci, dev, dev_set, group, device, df }) => {
        const pools = { vfio_device: device, vfio_group: group };
        const driver = registersTwiceInMerged({ vfio, driver: vfio_pci, dev_set, pools }, 'gives up');
        return {
          admin: [call(v6_6.device_driver_attach, driver, dev).into(probed)],
          user: [
            call(v6_6.openDevice, vfio, device_of_admin, { vfio_device_file: df }).into(file),
            call(v6_6.closeDevice, vfio, file).ifOk(file),
          ],
        };
      },
      always: {
        'what is freed is on no list': ({ vfio, dev_set }) =>
          [vfio.group_list, vfio.devices_kset, dev_set.device_list].every(({ freed }) => freed.length === 0),
      },
      sometimes: {
        'the device is open when the second call is refused': ({ next, result }) =>
          next('admin') === 'WARN' && typeof result(file) === 'object',
        'the driver waits for the user': ({ next }) => next('admin') === 'wait_for_completion',
      },
      atEnd: { 'the probe has failed with -EINVAL': ({ result }) => result(probed) === -EINVAL },
      leaks: {
        device: ({ all }) => all('device').filter(({ freed }) => !freed).length,
        group: ({ all }) => all('group').filter(({ freed }) => !freed).length,
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length,
        'vfio.group_ida': ({ vfio }) => vfio.group_ida.ids.length,
        'vfio.chrdevs': ({ vfio }) => Object.keys(vfio.chrdevs.cdevs).length,
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 1,
      },
      expect: [{ kind: 'warn', object: 'vfio_group_find_or_alloc' }],
      leadsToNothing: true,
    }),
  },
});
