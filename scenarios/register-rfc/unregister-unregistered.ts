/**
 * vfio_unregister_device() for a device that is not registered puts a reference that nobody has taken, and then waits for
 * the release of a device that nobody has.
 *
 * A registration that fails leaves a count of 0: it has not started it, or has undone itself. A driver whose error path
 * is its remove unregisters all the same. The put warns of an underflow and poisons the count, so that the completion
 * never comes; the wait, in slices of 10 s, never ends, in a probe that holds the lock of the device. The probe is never
 * reported, for it wakes up with every slice; whoever needs the lock next is.
 *
 * In the merged design a device is allocated and put, and in between registered and unregistered. What undoes a probe
 * whose registration has failed is vfio_put_device(), and the drivers call nothing else there.
 */
import { kfree, type Operation } from '../../actors/step.ts';
import { EINVAL, ENODEV } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import * as v6_6 from '../../actors/vfio/v6.6/index.ts';
import { pool } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import * as merged from '../../machines/vfio/v6.6/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { moduleReferences } from '../laws/module-references.ts';

const probed = local<number>('probed');

/** A driver that undoes a failed probe as it undoes one that has succeeded. */
const unregistersWhatFailed = (
  vfio: inRfc.Vfio,
  driver: inRfc.DeviceDriver,
  device: inRfc.VfioDevice,
  register: () => Operation<number>,
  pools: rfc.Pools = {},
): rfc.Driver => {
  function* remove(): Operation {
    yield* rfc.vfio_unregister_device(vfio, device, pools);
    yield* kfree(device);
  }
  return {
    driver,
    *probe() {
      const ret = yield* register();
      if (ret !== 0) yield* remove();
      return ret;
    },
    remove,
  };
};

/** Of the lock of the device, while the probe is still at it. */
const someoneWaits = {
  'somebody waits behind the probe': (view: {
    readonly next: (thread: string) => string | null;
    readonly dev: { readonly mutex: { readonly owner: string | null } };
  }) => view.next('unbind') === 'mutex_lock' && view.dev.mutex.owner === 'bind',
};

const rfcObjects = { vfio: inRfc.vfio, vfio_pci: inRfc.device_driver, device: inRfc.vfio_device, dev: inRfc.device };
const neverEnds = {
  expect: [{ kind: 'refcount', object: 'device.refcount' }],
  leadsTo: [
    { kind: 'starvation', object: 'device.comp' },
    { kind: 'hung-task', object: 'dev.mutex' },
  ],
} as const;

export default defineScenario({
  name: 'unregister-unregistered',
  summary: 'A device that is not registered is unregistered, and its release waited for',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device()',
  covers: ['Y-10'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      summary: 'The registration fails, for want of an IOMMU group.',
      assumes: 'The error path of the driver unregisters the device.',
      objects: rfcObjects,
      start: inRfc.initialised({ device: 'device', dev: 'dev' }),
      threads: ({ vfio, vfio_pci, device, dev }) => {
        const register = () => rfc.vfio_register_device(vfio, device, rfc.VFIO_DEVNODE_GROUP);
        const driver = unregistersWhatFailed(vfio, vfio_pci, device, register);
        return {
          bind: [call(rfc.device_driver_attach, driver, dev).into(probed)],
          unbind: [call(rfc.device_driver_detach, driver, dev)],
        };
      },
      sometimes: someoneWaits,
      ...neverEnds,
    }),
    'rfc-never': variant({
      summary: 'The probe fails before it registers anything.',
      assumes: 'The error path of the driver unregisters the device.',
      objects: rfcObjects,
      start: inRfc.initialised({ device: 'device', dev: 'dev' }),
      threads: ({ vfio, vfio_pci, device, dev }) => {
        const driver = unregistersWhatFailed(vfio, vfio_pci, device, function* fails() {
          return -ENODEV;
        });
        return {
          bind: [call(rfc.device_driver_attach, driver, dev).into(probed)],
          unbind: [call(rfc.device_driver_detach, driver, dev)],
        };
      },
      sometimes: someoneWaits,
      ...neverEnds,
    }),
    'rfc-half': variant({
      summary: 'The second half of the registration fails, and has undone the first when the driver undoes it again.',
      assumes: 'A device of another bus has taken the name; the error path of the driver unregisters the device.',
      objects: {
        ...rfcObjects,
        vfio_mdev: inRfc.device_driver,
        iommu_group: inRfc.iommu_group,
        group: pool(inRfc.vfio_group),
        unbound: pool(inRfc.vfio_unbound_dev, 2),
        namesake: inRfc.vfio_device,
        namesake_dev: inRfc.device,
      },
      start: {
        ...inRfc.registered('vfio_mdev', { devices: [{ device: 'namesake', dev: 'namesake_dev', minor: 0 }] }),
        ...inRfc.initialised({ device: 'device', dev: 'dev' }),
        ...inRfc.inIommuGroup('iommu_group', 'dev'),
      },
      threads: ({ vfio, vfio_pci, device, dev, group, unbound }) => {
        const pools = { vfio_group: group, vfio_unbound_dev: unbound };
        const both = rfc.VFIO_DEVNODE_GROUP | rfc.VFIO_DEVNODE_NONGROUP;
        const register = () => rfc.vfio_register_device(vfio, device, both, pools);
        const driver = unregistersWhatFailed(vfio, vfio_pci, device, register, pools);
        return {
          bind: [call(rfc.device_driver_attach, driver, dev).into(probed)],
          unbind: [call(rfc.device_driver_detach, driver, dev)],
        };
      },
      sometimes: someoneWaits,
      // Y-6: a name is taken once.
      expect: [{ kind: 'warn', object: 'vfio.device_class' }],
      leadsTo: [
        { kind: 'use-after-free', object: 'group', between: ['kfree', 'mutex_lock'] },
        { kind: 'deadlock', object: 'dev.mutex' },
      ],
    }),
    merged: variant({
      summary: 'The same device without a group: what fails to be registered is put.',
      objects: {
        vfio: merged.vfio,
        vfio_pci: merged.device_driver,
        dev_set: merged.vfio_device_set,
        device: pool(merged.vfio_device),
        dev: merged.device,
      },
      threads: ({ vfio, vfio_pci, dev_set, device, dev }) => {
        const driver = v6_6.vfio_pci_driver({ vfio, driver: vfio_pci, dev_set, pools: { vfio_device: device } });
        return {
          bind: [call(v6_6.device_driver_attach, driver, dev).into(probed)],
          unbind: [call(v6_6.device_driver_detach, driver, dev)],
        };
      },
      sometimes: someoneWaits,
      atEnd: { 'the probe has failed with -EINVAL': ({ result }) => result(probed) === -EINVAL },
      leaks: {
        ...moduleReferences('vfio_pci'),
        device: ({ all }) => all('device').filter(({ freed }) => !freed).length,
        'vfio.device_ida': ({ vfio }) => vfio.device_ida.ids.length,
        'dev_set.device_list': ({ dev_set }) => dev_set.device_list.entries.length,
      },
      expect: [],
    }),
    'merged-wrong-undo': variant({
      summary: 'A driver that unregisters where it should put: it follows a group that was never set.',
      assumes: 'The error path of the driver unregisters the device, where those of the kernel put it.',
      objects: {
        vfio: merged.vfio,
        vfio_pci: merged.device_driver,
        dev_set: merged.vfio_device_set,
        device: merged.vfio_device,
        dev: merged.device,
      },
      start: { 'device.dev': { value: { at: 'dev' } } },
      threads: ({ vfio, vfio_pci, device, dev }) => {
        const driver: v6_6.Driver = {
          driver: vfio_pci,
          driver_managed_dma: true,
          *probe() {
            const ret = yield* v6_6.vfio_register_group_dev(vfio, device);
            if (ret !== 0) yield* v6_6.vfio_unregister_group_dev(vfio, device);
            return ret;
          },
          *remove() {},
        };
        return {
          bind: [call(v6_6.device_driver_attach, driver, dev).into(probed)],
          unbind: [call(v6_6.device_driver_detach, driver, dev)],
        };
      },
      sometimes: someoneWaits,
      expect: [{ kind: 'null-deref', object: 'device_lock', between: ['load', 'mutex_lock'] }],
      leadsTo: [{ kind: 'deadlock', object: 'dev.mutex' }],
    }),
  },
});
