/**
 * Checked, and no bug of the series: __vfio_register_nongroup_dev() gives out the number, and with it the pointer, before it
 * creates the node, starts the refcount and notes the minor. Nobody gets in between: an open looks its number up under
 * vfio.device_lock, which the registration holds from the first to the last of these. It finds nothing or all.
 *
 * The twins look the number up without the lock. An open may then find the device before its count has started, and be
 * told -ENODEV for a node that is there; or just after, and have a device open that has no minor yet and is on no list.
 * And where the registration is taken back, it raises the count of a device that is freed, which RCU would not spare it
 * unless the drivers freed with it.
 */
import { ENODEV } from '../../actors/vfio/errno.ts';
import * as rfc from '../../actors/vfio/rfc-2021-09/index.ts';
import type { ViewOf } from '../../machines/object.ts';
import * as inRfc from '../../machines/vfio/rfc-2021-09/index.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { withoutLock } from './setup/changed-by.ts';

const fd = local<inRfc.VfioDevice | number>('fd');
const NAME = '0000:00:14.2';

/** Of vfio_device_get_from_minor() the locking and the unlocking are left out. */
const openWithoutLock = (vfio: inRfc.Vfio, name: string) => withoutLock(vfio.device_lock, rfc.openDevice(vfio, name));

const objects = { vfio: inRfc.vfio, vfio_pci: inRfc.device_driver, device: inRfc.vfio_device, dev: inRfc.device };

const user = (vfio: inRfc.Vfio, open: typeof rfc.openDevice) => [
  call(open, vfio, NAME).into(fd),
  call(rfc.vfio_device_fops_release, vfio, fd).ifOk(fd),
];

type View = { readonly [K in keyof typeof objects]: ViewOf<(typeof objects)[K]> };
/** Whoever has it beside the registration has opened it. */
const isWhole = ({ device, vfio }: View) =>
  device.refcount.n <= 1 || (device.minor.value === 0 && vfio.device_list.entries.includes('device'));

export default defineScenario({
  name: 'minor-before-device',
  summary: 'The number of a node is given out before the device is ready for who opens it, and the lock hides that',
  source: 'RFC 03/20 vfio: Add vfio_[un]register_device(), review of 2021-09',
  covers: ['Y-a'],
  tags: ['seed-002'],
  variants: {
    rfc: variant({
      objects,
      start: inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
      threads: ({ vfio, vfio_pci, device, dev }) => {
        const driver = rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_NONGROUP);
        return {
          admin: [call(rfc.device_driver_attach, driver, dev), call(rfc.device_driver_detach, driver, dev)],
          user: user(vfio, rfc.openDevice),
        };
      },
      always: {
        'who has the device open has all of it': (view) => typeof view.result(fd) !== 'object' || isWhole(view),
      },
      sometimes: {
        'an open waits while the number is given and the count is not started': ({ blocked, next, vfio, device }) =>
          blocked('user') && next('user') === 'mutex_lock' && device.refcount.n === 0 && 0 in vfio.device_idr.entries,
        'the device is opened': ({ result }) => typeof result(fd) === 'object',
        'the unbind waits for the user': ({ next }) => next('admin') === 'wait_for_completion',
      },
      atEnd: { 'the device is gone': ({ device }) => device.freed },
      leaks: {
        'vfio.device_idr': ({ vfio }) => Object.keys(vfio.device_idr.entries).length,
        'vfio.device_class': ({ vfio }) => Object.keys(vfio.device_class.nodes).length,
        'vfio.device_list': ({ vfio }) => vfio.device_list.entries.length,
        'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1,
      },
      expect: [],
    }),
    'open-without-lock': variant({
      summary: 'What would break: the look-up takes no lock while the device is registered.',
      objects,
      start: inRfc.initialised({ device: 'device', dev: 'dev', name: NAME }),
      threads: ({ vfio, vfio_pci, device, dev }) => ({
        admin: [call(rfc.device_driver_attach, rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_NONGROUP), dev)],
        user: user(vfio, openWithoutLock),
      }),
      always: {
        'who has the device open has all of it': (view) => typeof view.result(fd) !== 'object' || isWhole(view),
      },
      sometimes: {
        'there is a node, and its open says -ENODEV': ({ result, device }) => result(fd) === -ENODEV && device.refcount.n === 0,
      },
      expect: [{ kind: 'invariant', object: 'device.refcount', between: ['refcount_set', 'refcount_inc_not_zero'] }],
    }),
    'open-without-lock-at-removal': variant({
      summary: 'What would break: the look-up takes no lock while the device is unregistered.',
      objects,
      start: inRfc.registered('vfio_pci', { devices: [{ device: 'device', dev: 'dev', name: NAME, minor: 0 }] }),
      threads: ({ vfio, vfio_pci, device, dev }) => ({
        admin: [call(rfc.device_driver_detach, rfc.vfioPci(vfio, vfio_pci, device, rfc.VFIO_DEVNODE_NONGROUP), dev)],
        user: user(vfio, openWithoutLock),
      }),
      expect: [{ kind: 'use-after-free', object: 'device', between: ['kfree', 'refcount_inc_not_zero'] }],
    }),
  },
});
