/**
 * v3.17 took one lock over each open, each close and each remove of vfio-pci, so that no device comes to be opened or unbound
 * while somebody looks whether its bus is to be reset. But remove waits for whoever has the device open to close it, and to
 * close it he needs that lock: neither ends, and nobody opens or closes any other device of vfio-pci any more.
 *
 * In v3.18 remove takes no such lock. Who looks holds a reference on each device, and for that a remove waits anyway. What
 * neither version has is a safe way to that reference: they find a device by the driver data of its PCI device, which remove
 * clears while the driver is noted still. In v3.17 he who comes after remove has let the lock go finds NULL there; without
 * the lock he may also find a device that is about to be freed. That was mended later, in 20f300175a1e "vfio/pci: Fix racy
 * vfio_device_get_from_dev() call", which looks for the device in its group.
 */
import { unbind_store, vfio_device_fops_release } from '../../actors/vfio/v3.12/index.ts';
import { v3_14 } from '../../actors/vfio/v3.13/vfio_pci.ts';
import * as v3_17 from '../../actors/vfio/v3.17/vfio_pci.ts';
import * as v3_18 from '../../actors/vfio/v3.18/vfio_pci.ts';
import type { HandleTo } from '../../machines/object.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { usersNoted } from '../laws/container-users.ts';
import { nobodyReachesInReset } from '../laws/reset.ts';
import {
  busOf,
  listeners,
  lockedObjects as objects,
  noFunctionReset,
  openedBesideSibling,
  process,
  ready,
  siblingObjects,
} from './setup/one-function.ts';

type Handles = { readonly [K in keyof typeof objects]: HandleTo<(typeof objects)[K]> };
const pciOf = (of: Handles): v3_17.VfioPci => ({
  vfio: of.vfio,
  driver: of.vfio_pci,
  vdev: of.vdev,
  bus: busOf(of),
  resets: v3_14,
  vfio_pci_c: of.vfio_pci_c,
});

type Siblings = { readonly [K in keyof typeof siblingObjects]: HandleTo<(typeof siblingObjects)[K]> };
/** As each of the two functions knows the card. */
const cardOf = (of: Siblings): { readonly [K in 'first' | 'second']: v3_17.VfioPci } => {
  const bus = { bus: of.bus, functions: [of.pdev, of.sibling_pdev] };
  return { first: { ...pciOf(of), bus }, second: { ...pciOf(of), bus, vdev: of.sibling_vdev } };
};

const used = local<number>('used');

// It cannot be reset by itself, or its first open would wait for remove as well: see blocking-reset.
const start = { ...ready, ...noFunctionReset };

interface Seen {
  readonly result: <R>(of: Local<R>) => R | undefined;
  readonly device: { readonly freed: boolean };
}
const sometimes = {
  'the user comes first': ({ result, device }: Seen) => result(used) === 0 && !device.freed,
  'the admin comes first': ({ result }: Seen) => (result(used) ?? 0) < 0,
};

export default defineScenario({
  name: 'driver-lock-across-remove',
  summary: 'A device is closed while it is unbound, and both take the lock of the driver',
  source: '61d792562b53 and bc4fba77124e, v3.17; 93899a679fd6, vfio-pci: Fix remove path locking, v3.18',
  covers: ['X-5'],
  tags: ['seed-004'],
  variants: {
    'v3.17': variant({
      objects,
      start,
      threads: (of) => ({
        user: [call(process, of, v3_17.vfio_pci_ops(pciOf(of))).into(used)],
        admin: [call(unbind_store, v3_17.vfio_pci_driver(pciOf(of)), of.pdev, listeners(of))],
      }),
      sometimes,
      expect: [
        { kind: 'deadlock', object: 'vfio.release_q' },
        // Who opens the device takes the two locks in the other order.
        { kind: 'deadlock', object: 'vfio_pci_c.driver_lock' },
        { kind: 'lock-order', object: 'group.device_lock' },
      ],
    }),
    'v3.18': variant({
      summary: 'One function, alone on its bus.',
      objects,
      start,
      threads: (of) => ({
        user: [call(process, of, v3_18.vfio_pci_ops(pciOf(of))).into(used)],
        admin: [call(unbind_store, v3_18.vfio_pci_driver(pciOf(of)), of.pdev, listeners(of))],
      }),
      always: { ...usersNoted('group'), ...nobodyReachesInReset('pdev') },
      sometimes: {
        ...sometimes,
        'the device is closed while the other waits for it': ({ vfio_pci_c, vfio }) =>
          vfio_pci_c.driver_lock.owner === 'user' && vfio.release_q.waiting.includes('admin'),
      },
      atEnd: { 'the device is gone': ({ device, vdev }) => device.freed && vdev.freed },
      leaks: { 'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1 },
      expect: [],
    }),
    'v3.17-sibling': variant({
      summary: 'It is another function of the card that is unbound, which nobody has open.',
      objects: siblingObjects,
      start: { ...openedBesideSibling, ...noFunctionReset },
      threads: (of) => ({
        user: [call(vfio_device_fops_release, of.vfio, of.device, v3_17.vfio_pci_ops(cardOf(of).first))],
        admin: [call(unbind_store, v3_17.vfio_pci_driver(cardOf(of).second), of.sibling_pdev, listeners(of))],
      }),
      expect: [{ kind: 'null-deref', object: 'group' }],
    }),
    'v3.18-sibling': variant({
      summary: 'The same, and no lock over the remove.',
      objects: siblingObjects,
      start: { ...openedBesideSibling, ...noFunctionReset },
      threads: (of) => ({
        user: [call(vfio_device_fops_release, of.vfio, of.device, v3_18.vfio_pci_ops(cardOf(of).first))],
        admin: [call(unbind_store, v3_18.vfio_pci_driver(cardOf(of).second), of.sibling_pdev, listeners(of))],
      }),
      expect: [
        { kind: 'null-deref', object: 'group' },
        { kind: 'refcount', object: 'sibling.kref', between: ['refcount_dec_and_test', 'refcount_inc'] },
        { kind: 'use-after-free', object: 'sibling' },
      ],
    }),
  },
});
