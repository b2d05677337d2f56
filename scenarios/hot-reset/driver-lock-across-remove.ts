/**
 * v3.17 took one lock over each open, each close and each remove of vfio-pci, so that no device comes to be opened or unbound
 * while somebody looks whether its bus is to be reset. But remove waits for whoever has the device open to close it, and to
 * close it he needs that lock: neither ends, and nobody opens or closes any other device of vfio-pci any more.
 *
 * In v3.18 remove takes no such lock. Who looks holds a reference on each device, and for that a remove waits anyway.
 */
import { unbind_store } from '../../actors/vfio/v3.12/index.ts';
import { v3_14 } from '../../actors/vfio/v3.13/vfio_pci.ts';
import * as v3_17 from '../../actors/vfio/v3.17/vfio_pci.ts';
import * as v3_18 from '../../actors/vfio/v3.18/vfio_pci.ts';
import type { HandleTo } from '../../machines/object.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { usersNoted } from '../laws/container-users.ts';
import { nobodyReachesInReset } from '../laws/reset.ts';
import { busOf, listeners, lockedObjects as objects, noFunctionReset, process, ready } from './setup/one-function.ts';

type Handles = { readonly [K in keyof typeof objects]: HandleTo<(typeof objects)[K]> };
const pciOf = (of: Handles): v3_17.VfioPci => ({
  vfio: of.vfio,
  driver: of.vfio_pci,
  vdev: of.vdev,
  bus: busOf(of),
  resets: v3_14,
  vfio_pci_c: of.vfio_pci_c,
});

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
  },
});
