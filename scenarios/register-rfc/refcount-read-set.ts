/**
 * The question of the review: can something raise the refcount between the refcount_read() and the refcount_set()?
 *
 * Not as a driver of the series calls it: a count of 0 is left by nobody but who registers, and when the second half
 * reads, the count is no longer 0, however many users are in by then. Two tasks that register one structure can: both
 * read 0, one starts the count, a user gets in, and the other's set takes the user's reference away.
 *
 * The merged design sets the count in one place, when all that can fail has succeeded. That two probes do not register
 * one device is the driver core's doing. Two tasks that register one structure behind its back are not stopped in time:
 * the second falls over sysfs, when it has already joined lists and taken memory that it then takes from the first.
 */
import { kfree, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { device_lock, device_unlock } from '../../actors/vfio/rfc-2021-09/core.ts';
import {
  vfio_device_fops_open,
  vfio_device_fops_release,
  vfio_group_get_device_fd,
} from '../../actors/vfio/rfc-2021-09/vfio-fops.ts';
import {
  VFIO_DEVNODE_GROUP,
  VFIO_DEVNODE_NONGROUP,
  vfio_register_device,
  vfio_unregister_device,
} from '../../actors/vfio/rfc-2021-09/vfio.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { globals, handleAt, type HandleTo, pool } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import * as rfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';
import { mergedGroupLaws } from '../laws/merged-group.ts';
import { usersNoted } from '../laws/container-users.ts';

const through_group = local<rfc.VfioDevice | number>('through_group');
const through_node = local<rfc.VfioDevice | number>('through_node');
const file = local<merged.VfioDeviceFile | number>('file');
const first = local<number>('first');
const second = local<number>('second');

/** A driver's probe, in which the driver core has set dev->driver, and holds the lock of the device. */
function* probe(vfio: rfc.Vfio, dev: rfc.Device, device: rfc.VfioDevice): Operation<number> {
  yield* device_lock(dev);
  const ret = yield* vfio_register_device(vfio, device, VFIO_DEVNODE_GROUP | VFIO_DEVNODE_NONGROUP);
  yield* device_unlock(dev);
  return ret;
}

/** Not of the kernel: the driver is removed when both tasks have exposed its device. */
const driver = globals('driver', { exposed: completion() });
interface Driver extends HandleTo<typeof driver> {}

function* expose(vfio: rfc.Vfio, device: rfc.VfioDevice, flags: number, { exposed }: Driver): Operation {
  yield* vfio_register_device(vfio, device, flags);
  yield* complete(exposed);
}

function* remove(vfio: rfc.Vfio, device: rfc.VfioDevice, vfio_unbound_dev: rfc.VfioUnboundDev, { exposed }: Driver): Operation {
  yield* wait_for_completion(exposed);
  yield* wait_for_completion(exposed);
  yield* vfio_unregister_device(vfio, device, { vfio_unbound_dev });
  yield* kfree(device);
}

const NAME = '0000:00:14.2';

/** Its group is there already, for the sake of another device in it. */
const rfcObjects = {
  vfio: rfc.vfio,
  vfio_pci: rfc.device_driver,
  type1: rfc.vfio_iommu_driver,
  container: rfc.vfio_container,
  iommu_group: rfc.iommu_group,
  group: rfc.vfio_group,
  sibling: rfc.vfio_device,
  sibling_dev: rfc.device,
  device: rfc.vfio_device,
  dev: rfc.device,
  unbound: pool(rfc.vfio_unbound_dev),
  driver,
};
const rfcStart = (opened: boolean) => ({
  ...rfc.loaded('type1'),
  ...rfc.registered('vfio_pci', {
    groups: [
      {
        group: 'group',
        iommu_group: 'iommu_group',
        devices: [{ device: 'sibling', dev: 'sibling_dev', name: '0000:00:14.0' }],
        ...(opened ? { opened, container: 'container' } : {}),
      },
    ],
  }),
  ...rfc.inIommuGroup('iommu_group', 'sibling_dev', 'dev'),
  ...(opened ? rfc.iommuSet('container', 'type1') : {}),
  ...rfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
  'dev.driver': { value: { at: 'vfio_pci' } },
});

const mergedObjects = {
  vfio: merged.vfio,
  vfio_pci: merged.device_driver,
  iommu_group: merged.iommu_group,
  group: merged.vfio_group,
  dev_set: merged.vfio_device_set,
  device: merged.vfio_device,
  dev: merged.device,
  sibling: merged.vfio_device,
  sibling_dev: merged.device,
  df: pool(merged.vfio_device_file),
};
const inMerged = {
  ...merged.registered({
    group: 'group',
    iommu_group: 'iommu_group',
    devices: [{ device: 'sibling', dev: 'sibling_dev', dev_set: 'dev_set', driver: 'vfio_pci', index: 1 }],
    others: ['dev'],
  }),
};

export default defineScenario({
  name: 'refcount-read-set',
  summary: 'Each half of the registration starts the refcount if it still reads 0',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-1'],
  tags: ['seed-002'],
  question: {
    asks: 'Can something raise the refcount between the read and the set?',
    answeredBy: [
      {
        variant: 'rfc-one-registrar',
        said: 'as one caller uses it',
        shownBy: { kind: 'refcount', object: 'device.refcount' },
        roles: { registrar: ['registrar'], opener: ['group_user', 'node_user'] },
      },
      {
        variant: 'rfc',
        said: 'if two tasks expose one device',
        shownBy: { kind: 'refcount', object: 'device.refcount' },
        roles: { registrar: ['registrar_a', 'registrar_b'], opener: ['user'] },
      },
    ],
    merged: 'merged',
    mergedKind: 'once in the caller',
  },
  variants: {
    'rfc-one-registrar': variant({
      summary: 'As the series uses it: one probe exposes the device through both interfaces.',
      objects: rfcObjects,
      start: rfcStart(true),
      threads: ({ vfio, group, device, dev }) => ({
        registrar: [call(probe, vfio, dev, device)],
        group_user: [
          call(vfio_group_get_device_fd, vfio, group, NAME).into(through_group),
          call(vfio_device_fops_release, vfio, through_group).ifOk(through_group),
        ],
        node_user: [
          call(vfio_device_fops_open, vfio, 0).into(through_node),
          call(vfio_device_fops_release, vfio, through_node).ifOk(through_node),
        ],
      }),
      always: { ...usersNoted('group'), 'the count is not poisoned': ({ device }) => device.refcount.n >= 0 },
      sometimes: {
        'a user is in before the second read': ({ next, device }) =>
          next('registrar') === 'refcount_read' && device.refcount.n > 1,
        'the group user has the device': ({ result }) => typeof result(through_group) === 'object',
      },
      atEnd: { 'the registration is the one reference left': ({ device }) => device.refcount.n === 1 },
      expect: [],
    }),
    rfc: variant({
      summary: 'Two tasks expose one vfio_device, one through its group, one through a node of its own.',
      assumes:
        'Two tasks register one vfio_device at the same time. No caller in the series does; nothing in the API forbids it.',
      objects: rfcObjects,
      start: rfcStart(false),
      threads: ({ vfio, device, driver, unbound }) => ({
        registrar_a: [call(expose, vfio, device, VFIO_DEVNODE_GROUP, driver)],
        registrar_b: [call(expose, vfio, device, VFIO_DEVNODE_NONGROUP, driver)],
        user: [
          call(vfio_device_fops_open, vfio, 0).into(through_node),
          call(vfio_device_fops_release, vfio, through_node).ifOk(through_node),
        ],
        remover: [call(remove, vfio, device, unbound, driver)],
      }),
      sometimes: {
        'both halves have read 0': ({ next }) => next('registrar_a') === 'refcount_set' && next('registrar_b') === 'refcount_set',
      },
      expect: [
        { kind: 'refcount', object: 'device.refcount', between: ['refcount_read', 'refcount_set'] },
        // Y-2: the first thing that the second registrar does is to forget the minor of the first.
        { kind: 'use-after-free', object: 'device', between: ['kfree', 'refcount_inc_not_zero'] },
      ],
      leadsTo: [
        { kind: 'refcount', object: 'device.refcount', between: ['refcount_dec_and_test', 'refcount_dec_and_test'] },
        { kind: 'use-after-free', object: 'device' },
      ],
    }),
    merged: variant({
      summary: 'The count is set in one place, when all that can fail has succeeded.',
      objects: { ...mergedObjects, device: pool(merged.vfio_device) },
      start: inMerged,
      threads: ({ vfio, vfio_pci, dev, dev_set, device, df }) => {
        const pci = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device } });
        const opened = handleAt<merged.VfioDevice>('device@registrar');
        return {
          registrar: [call(v6_6.device_driver_attach, pci, dev), call(v6_6.device_driver_detach, pci, dev)],
          user: [
            call(v6_6.openDevice, vfio, opened, { vfio_device_file: df }).into(file),
            call(v6_6.closeDevice, vfio, file).ifOk(file),
          ],
        };
      },
      always: mergedGroupLaws('sibling'),
      sometimes: { 'the unbind waits for the user': ({ next }) => next('registrar') === 'wait_for_completion' },
      atEnd: { 'the device is gone': ({ all }) => all('device').every((device) => device.freed) },
      leaks: moduleReferences('vfio_pci'),
      expect: [],
    }),
    'merged-two-probes': variant({
      summary: 'Two tasks bind one device to its driver: the second finds a driver there, under the lock of the device.',
      objects: { ...mergedObjects, device: pool(merged.vfio_device) },
      start: inMerged,
      threads: ({ vfio, vfio_pci, dev, dev_set, device }) => {
        const pci = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device } });
        return {
          a: [call(v6_6.device_driver_attach, pci, dev).into(first)],
          b: [call(v6_6.device_driver_attach, pci, dev).into(second)],
        };
      },
      always: mergedGroupLaws('sibling'),
      atEnd: {
        'one has succeeded, and the other was told -EBUSY': ({ result }) =>
          [result(first), result(second)].toSorted((x, y) => Number(x) - Number(y)).join() === '-16,0',
      },
      leaks: moduleReferences('vfio_pci'),
      expect: [],
    }),
    'merged-two-registrars': variant({
      summary: 'Two tasks register one structure, past the driver core.',
      assumes: 'Two tasks call vfio_register_group_dev() on one vfio_device at the same time, which only a broken driver does.',
      objects: mergedObjects,
      start: {
        ...inMerged,
        'dev.driver': { value: { at: 'vfio_pci' } },
        'device.dev': { value: { at: 'dev' } },
        'device.dev_set': { value: { at: 'dev_set' } },
        'device.dev_set_list': { on: 'dev_set.device_list', initialised: true },
        'dev_set.device_list': { entries: ['sibling', 'device'] },
        'vfio.device_ida': { ids: [0, 1] },
      },
      threads: ({ vfio, device }) => ({
        a: [call(v6_6.vfio_register_group_dev, vfio, device).into(first)],
        b: [call(v6_6.vfio_register_group_dev, vfio, device).into(second)],
      }),
      expect: [
        // Who comes when the first is through is found out, and refused with -EINVAL.
        { kind: 'warn', object: 'vfio_group_find_or_alloc' },
        // Who comes before is let in, as far as sysfs.
        { kind: 'leak', object: 'device.p', between: ['load', 'device_private_init'] },
        { kind: 'list-corruption', object: 'vfio.devices_kset', between: ['list_add_tail', 'list_add_tail'] },
      ],
      leadsTo: [
        { kind: 'warn', object: 'device.sd', between: ['sysfs_create_dir_ns', 'sysfs_create_dir_ns'] },
        { kind: 'null-deref', object: 'device.p' },
        { kind: 'use-after-free', object: 'device.p' },
      ],
    }),
  },
});
