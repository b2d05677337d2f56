/**
 * A device on its way from vfio-pci to no driver, and somebody who asks meanwhile whether its group is safe to use.
 *
 * A group is viable while each device in it has no driver, a harmless one, or is known to VFIO. The remove of vfio-pci takes
 * the device out of what VFIO knows; the driver core notes only afterwards that it has no driver. In between the device
 * looks like one of the host's. A GET_DEVICE_FD of its neighbour is refused then, or an external user, although nothing is
 * wrong; had one asked a moment later, one would have got it.
 *
 * Since v4.0 the remove puts the device on a list of its group before it lets go, and the notifier that hears of the end of the
 * unbind takes it off. At any moment the device is known, or listed, or without a driver. But vfio_dev_viable() looks at the
 * driver first, at the list next and for the device last, against the way that the device goes: who has read the driver, or
 * found the list empty, just before, is refused all the same. Asked in the order in which they come true, the three questions
 * miss nothing. The window stayed until v5.19, where DMA ownership takes the place of the check.
 */
import { isNull } from '../../actors/driver-core/pointer.ts';
import type { Operation } from '../../actors/step.ts';
import { list_for_each_entry } from '../../actors/sync/list.ts';
import { load, READ_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { EINVAL } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v3_12 from '../../actors/vfio/v3.12/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import type * as inV5_14 from '../../machines/vfio/rfc-2021-09/index.ts';
import * as inV3_12 from '../../machines/vfio/v3.12/index.ts';
import type * as inMerged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { usersNoted } from '../laws/container-users.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { mergedTwoDevices as merged, SIBLING, twoDevices, v3_12Group, v5_14Group } from './setup/with-sibling.ts';

const fd = local<inV3_12.VfioDevice | number>('fd');
const newer_fd = local<inV5_14.VfioDevice | number>('newer_fd');
const file = local<inMerged.VfioDeviceFile | number>('file');
const viable = local<boolean>('viable');
const kvms = local<inV3_12.VfioGroup | number>('kvms');

type Dev = Leaving['dev'];
const isHosts = ({ driver }: Dev) => driver.value.at === 'e1000e';

interface Leaving {
  readonly dev: { readonly driver: { readonly value: { readonly at: string } } };
  readonly device: { readonly freed: boolean };
}
/** VFIO does not know it any more, and its driver is still noted. */
const isInBetween = ({ dev, device }: Leaving) => device.freed && dev.driver.value.at === 'vfio_pci';

/** Of the device that leaves, which is all that matters of the walk. */
function* vfio_dev_viable_in_order(dev: inV5_14.Device, group: inV5_14.VfioGroup): Operation<boolean> {
  yield* mutex_lock(group.device_lock);
  const known = yield* list_for_each_entry<inV5_14.VfioDevice, true | undefined>(
    group.device_list,
    'group_next',
    function* (device) {
      if ((yield* load(device.dev)) !== dev || !(yield* rfc.vfio_device_try_get(device))) return undefined;
      yield* rfc.vfio_device_put(device);
      return true;
    },
  );
  yield* mutex_unlock(group.device_lock);
  if (known) return true;
  yield* mutex_lock(group.unbound_lock);
  const listed = yield* list_for_each_entry<inV5_14.VfioUnboundDev, true | undefined>(
    group.unbound_list,
    'unbound_next',
    function* (entry) {
      return (yield* load(entry.dev)) === dev ? true : undefined;
    },
  );
  yield* mutex_unlock(group.unbound_lock);
  return listed === true || isNull(yield* READ_ONCE(dev.driver));
}

export default defineScenario({
  name: 'unbound-list',
  summary: 'While vfio-pci is unbound from one device of a group, the others are refused as if the host had it',
  source: '60720a0fc646 vfio: Add device tracking during unbind (v4.0)',
  covers: [],
  tags: ['seed-004'],
  variants: {
    'v3.12': variant({
      objects: twoDevices.v3_12.objects,
      start: twoDevices.v3_12.start,
      threads: (all) => ({
        admin: [v3_12Group.unbind(all)],
        user: [call(v3_12.vfio_group_get_device_fd, all.vfio, all.group, SIBLING).into(fd)],
      }),
      always: { 'nobody is refused unless the host has a device': ({ result, dev }) => result(fd) !== -EINVAL || isHosts(dev) },
      sometimes: { 'it is asked in between': (seen) => isInBetween(seen) && seen.next('user') === 'load' },
      expect: [{ kind: 'invariant', object: 'dev.driver' }],
    }),
    'v3.12-external-user': variant({
      summary: 'It is KVM that asks, for a group that it is to hold.',
      objects: { ...twoDevices.v3_12.objects, file: inV3_12.file },
      start: { ...twoDevices.v3_12.start, 'file.private_data': { value: { at: 'group' } } },
      threads: (all) => ({
        admin: [v3_12Group.unbind(all)],
        kvm: [call(v3_12.vfio_group_get_external_user, all.vfio, all.file).into(kvms)],
      }),
      always: { 'nobody is refused unless the host has a device': ({ result, dev }) => result(kvms) !== -EINVAL || isHosts(dev) },
      expect: [{ kind: 'invariant', object: 'dev.driver' }],
    }),
    'v5.14': variant({
      objects: twoDevices.v5_14.objects,
      start: twoDevices.v5_14.start,
      threads: (all) => ({
        admin: [v5_14Group.unbind(all)],
        user: [call(rfc.vfio_group_get_device_fd, all.vfio, all.group, SIBLING).into(newer_fd)],
        kworker: v5_14Group.kworker(all),
      }),
      always: {
        ...usersNoted('group'),
        'nobody is refused unless the host has a device': ({ result, dev }) => result(newer_fd) !== -EINVAL || isHosts(dev),
        'who is neither known nor driverless is on the list': ({ device, dev, group }) =>
          !isInBetween({ device, dev }) || group.unbound_list.entries.length === 1,
      },
      sometimes: {
        'it is looked for on the list in between': (seen) => isInBetween(seen) && seen.next('user') === 'mutex_lock',
        'it is on the list, and known as well': ({ device, group }) => !device.freed && group.unbound_list.entries.length === 1,
      },
      atEnd: {
        'the list is empty': ({ group }) => group.unbound_list.entries.length === 0,
        'who is refused has not been counted': ({ result, group }) =>
          group.container_users.n === (result(newer_fd) === -EINVAL ? 1 : 2),
      },
      leaks: {
        unbound: ({ all }) => all('unbound').filter(({ freed }) => !freed).length,
        put_work: ({ all }) => all('put_work').filter(({ freed }) => !freed).length,
      },
      expect: [{ kind: 'invariant', object: 'dev.driver' }],
    }),
    'v5.14-in-order': variant({
      summary: 'What would help: the check asks whether the device is known, then whether it is listed, then for its driver.',
      objects: twoDevices.v5_14.objects,
      start: twoDevices.v5_14.start,
      threads: (all) => ({
        admin: [v5_14Group.unbind(all)],
        user: [call(vfio_dev_viable_in_order, all.dev, all.group).into(viable)],
        kworker: v5_14Group.kworker(all),
      }),
      always: {
        ...usersNoted('group'),
        'nobody is refused unless the host has a device': ({ result, dev }) => result(viable) !== false || isHosts(dev),
      },
      sometimes: {
        'the device is gone when it is asked for': ({ next, device }) => next('user') === 'mutex_lock' && device.freed,
        'it is found on the list': ({ result, group, device }) =>
          result(viable) === true && device.freed && group.unbound_list.entries.length === 1,
      },
      expect: [],
    }),
    'v6.6': variant({
      objects: merged.objects,
      start: merged.start,
      threads: ({ vfio, vfio_pci, dev_set, dev, sibling_dev, group, df }) => ({
        admin: [call(v6_6.device_driver_detach, v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: {} }), dev)],
        user: [call(v6_6.vfio_group_ioctl_get_device_fd, vfio, group, sibling_dev, { vfio_device_file: df }).into(file)],
      }),
      always: { ...mergedGroupLaws('device', 'sibling'), 'nobody is refused': ({ result }) => typeof result(file) !== 'number' },
      sometimes: { 'it is asked in between': (seen) => isInBetween(seen) && seen.next('user') !== null },
      atEnd: { 'the device is open': ({ result }) => typeof result(file) === 'object' },
      expect: [],
    }),
  },
});
