/**
 * Checked, and no bug of the series: the open of a node calls vfio_group_try_get(device->group), and a device that has a
 * node alone has no group. It walks the list of all groups under its lock and compares addresses. NULL equals none of
 * them, so that the caller is told that there is no group; nor is any other group followed but under the lock, however
 * many come and go.
 *
 * The twins trust the pointer, and follow NULL; or walk without the lock, on from a group that is freed meanwhile.
 */
import type { Operation } from '../../actors/step.ts';
import { load } from '../../actors/sync/memory.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { usersNoted } from '../laws/container-users.ts';
import { changedBy, withoutLock } from './setup/changed-by.ts';

const NAME = '83b8f4f2-509f-382f-3c1e-e6bfe0fa1001';
const fd = local<inRfc.VfioDevice | number>('fd');

const objects = {
  vfio: inRfc.vfio,
  vfio_pci: inRfc.device_driver,
  device: inRfc.vfio_device,
  dev: inRfc.device,
  iommu_group: inRfc.iommu_group,
  group: inRfc.vfio_group,
  other: inRfc.vfio_device,
  other_dev: inRfc.device,
  unbound: pool(inRfc.vfio_unbound_dev),
};
const start = {
  ...inRfc.registered('vfio_pci', {
    groups: [
      { group: 'group', iommu_group: 'iommu_group', devices: [{ device: 'other', dev: 'other_dev', name: '0000:00:14.2' }] },
    ],
    devices: [{ device: 'device', dev: 'dev', name: NAME, minor: 0 }],
  }),
  ...inRfc.inIommuGroup('iommu_group', 'other_dev'),
};

/** The one device of the only group goes, and the group with it. */
const removal = (
  vfio: inRfc.Vfio,
  driver: inRfc.DeviceDriver,
  other: inRfc.VfioDevice,
  dev: inRfc.Device,
  vfio_unbound_dev: inRfc.VfioUnboundDev,
) => call(rfc.device_driver_detach, rfc.vfioPci(vfio, driver, other, rfc.VFIO_DEVNODE_GROUP, { vfio_unbound_dev }), dev);

/** The comparison with the groups of the list is left out: it gets what the pointer points at. */
function* vfio_group_try_get(device: inRfc.VfioDevice): Operation {
  yield* rfc.vfio_group_get((yield* load(device.group)) as inRfc.VfioGroup);
}
const openTrusting = (vfio: inRfc.Vfio, name: string, device: inRfc.VfioDevice) =>
  changedBy(
    ({ event: { type } }) => (type === 'list_first_entry' ? vfio_group_try_get(device) : null),
    rfc.openDevice(vfio, name),
  );

/** The locking and the unlocking of group_lock are left out. */
const openWithoutLock = (vfio: inRfc.Vfio, name: string) => withoutLock(vfio.group_lock, rfc.openDevice(vfio, name));

export default defineScenario({
  name: 'open-without-group',
  summary: 'A device without a group is opened, and vfio_group_try_get() is asked for the group NULL',
  source: 'RFC 02/20 vfio: Add device class for /dev/vfio/devices, review of 2021-09',
  covers: ['Y-d'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'The device is opened and closed while the only group there is goes.',
      objects,
      start,
      threads: ({ vfio, vfio_pci, other, other_dev, unbound }) => ({
        user: [call(rfc.openDevice, vfio, NAME).into(fd), call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd)],
        admin: [removal(vfio, vfio_pci, other, other_dev, unbound)],
      }),
      always: usersNoted('group'),
      sometimes: {
        'the walk is on a group whose last reference waits for the lock': ({ next, blocked, group }) =>
          next('user') === 'list_next_entry' && blocked('admin') && group.kref.n === 1,
        'the device is opened beside a group': ({ result, group }) => typeof result(fd) === 'object' && !group.freed,
        'the device is opened where there is no group any more': ({ next, group }) =>
          next('user') === 'atomic_cmpxchg' && group.freed,
      },
      atEnd: {
        'the device was opened': ({ result }) => typeof result(fd) === 'object',
        'the other device and its group are gone': ({ other, group }) => other.freed && group.freed,
      },
      leaks: {
        'device.opened': ({ device }) => device.opened.n,
        'device.refcount': ({ device }) => device.refcount.n - 1,
        'vfio.group_list': ({ vfio }) => vfio.group_list.entries.length,
        'iommu_group.devices_kobj': ({ iommu_group }) => iommu_group.devices_kobj.n - 1,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
    'pointer-trusted': variant({
      summary: 'What would break: the group is got without being looked for.',
      objects,
      start,
      threads: ({ vfio, device }) => ({ user: [call(openTrusting, vfio, NAME, device).into(fd)] }),
      expect: [{ kind: 'null-deref', object: 'kref', between: ['load', 'refcount_inc'] }],
    }),
    'walk-without-lock': variant({
      summary: 'What would break: the groups are walked without group_lock.',
      objects,
      start,
      threads: ({ vfio, vfio_pci, other, other_dev, unbound }) => ({
        user: [call(openWithoutLock, vfio, NAME).into(fd)],
        admin: [removal(vfio, vfio_pci, other, other_dev, unbound)],
      }),
      expect: [
        { kind: 'use-after-free', object: 'group', between: ['kfree', 'list_next_entry'] },
        { kind: 'list-corruption', object: 'group.vfio_next' },
      ],
    }),
  },
});
