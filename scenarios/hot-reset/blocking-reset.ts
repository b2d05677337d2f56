/**
 * A device is unbound while user space has it open. Remove waits, under the lock of the device, for whoever has it open; and
 * the PCI core takes that lock to reset a device. So who asks for a reset then waits for remove, and remove for him: an ioctl
 * keeps its file open, even if its caller is killed.
 *
 * Up to v3.13 it takes no ioctl: the last close of a device that can be reset by itself resets it, and never ends. With
 * v3.14 all of these try for the lock, and give up with -EAGAIN. What still waited for it was the reset at the first open,
 * under the lock of the list of devices, by which remove looks whether the device is gone.
 */
import { EAGAIN } from '../../actors/vfio/errno.ts';
import { unbind_store, vfio_device_fops_release } from '../../actors/vfio/v3.12/index.ts';
import {
  type Resets,
  v3_13,
  v3_14,
  VFIO_DEVICE_PCI_HOT_RESET,
  VFIO_DEVICE_RESET,
  type VfioPci,
  vfio_pci_driver,
  vfio_pci_ops,
} from '../../actors/vfio/v3.13/vfio_pci.ts';
import type { HandleTo } from '../../machines/object.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';
import { usersNoted } from '../laws/container-users.ts';
import { nobodyReachesInReset } from '../laws/reset.ts';
import { busOf, listeners, noFunctionReset, objects, openedOnce, process, ready } from './setup/one-function.ts';

type Handles = { readonly [K in keyof typeof objects]: HandleTo<(typeof objects)[K]> };
const pciOf = (of: Handles, resets: Resets): VfioPci => ({
  vfio: of.vfio,
  driver: of.vfio_pci,
  vdev: of.vdev,
  bus: busOf(of),
  resets,
});
const unbind = (of: Handles, resets: Resets) => call(unbind_store, vfio_pci_driver(pciOf(of, resets)), of.pdev, listeners(of));
const close = (of: Handles, resets: Resets) =>
  call(vfio_device_fops_release, of.vfio, of.device, vfio_pci_ops(pciOf(of, resets)));
const hotReset = (of: Handles, resets: Resets) => call(VFIO_DEVICE_PCI_HOT_RESET, pciOf(of, resets), of.device, [of.file]);

const reset = local<number>('reset');
const again = local<number>('again');

export default defineScenario({
  name: 'blocking-reset',
  summary: 'A user resets a device, or closes it, while it is unbound from its driver',
  source: '8b27ee60bfd6, v3.12; 890ed578df82, vfio-pci: Use pci "try" reset interface, v3.14',
  covers: ['X-10'],
  tags: ['seed-004'],
  variants: {
    'v3.13-hot-reset': variant({
      summary: 'A device that cannot be reset by itself, so that nobody does but by the ioctl.',
      objects,
      start: { ...ready, ...noFunctionReset },
      threads: (of) => ({
        user: [
          call(process, of, vfio_pci_ops(pciOf(of, v3_13)), (device) =>
            VFIO_DEVICE_PCI_HOT_RESET(pciOf(of, v3_13), device, [of.file]),
          ).into(reset),
        ],
        admin: [unbind(of, v3_13)],
      }),
      sometimes: { 'the reset comes first': ({ result }) => result(reset) === 0 },
      expect: [{ kind: 'deadlock', object: 'vfio.release_q' }],
    }),
    'v3.13-reset': variant({
      summary: 'A device that can be: the first open resets it, the ioctl for it alone does, and so does the last close.',
      objects,
      start: ready,
      threads: (of) => ({
        user: [
          call(process, of, vfio_pci_ops(pciOf(of, v3_13)), (device) => VFIO_DEVICE_RESET(pciOf(of, v3_13), device)).into(reset),
        ],
        admin: [unbind(of, v3_13)],
      }),
      sometimes: { 'the reset comes first': ({ result }) => result(reset) === 0 },
      expect: [
        { kind: 'deadlock', object: 'vfio.release_q' },
        { kind: 'deadlock', object: 'pdev.mutex' },
      ],
    }),
    'v3.13-close': variant({
      summary: 'The same without any ioctl.',
      objects,
      start: ready,
      threads: (of) => ({
        user: [call(process, of, vfio_pci_ops(pciOf(of, v3_13))).into(reset)],
        admin: [unbind(of, v3_13)],
      }),
      sometimes: { 'the close comes first': ({ device, result }) => result(reset) === 0 && !device.freed },
      expect: [
        { kind: 'deadlock', object: 'vfio.release_q' },
        { kind: 'deadlock', object: 'pdev.mutex' },
      ],
    }),
    'v3.14': variant({
      objects,
      start: openedOnce,
      threads: (of) => ({
        user: [
          hotReset(of, v3_14).into(reset),
          call(VFIO_DEVICE_RESET, pciOf(of, v3_14), of.device).into(again),
          close(of, v3_14),
        ],
        admin: [unbind(of, v3_14)],
      }),
      always: { ...usersNoted('group'), ...nobodyReachesInReset('pdev') },
      sometimes: {
        'both resets succeed': ({ result }) => result(reset) === 0 && result(again) === 0,
        'both give up': ({ result }) => result(reset) === -EAGAIN && result(again) === -EAGAIN,
        'the device is closed while the other waits for it, with its lock': ({ next, pdev, ended }) =>
          next('user') === 'atomic_dec_and_test' && pdev.mutex.owner === 'admin' && !ended('admin'),
      },
      atEnd: { 'the device is gone': ({ device, vdev }) => device.freed && vdev.freed },
      leaks: { 'vfio_pci.owner': ({ vfio_pci }) => vfio_pci.owner.refcnt - 1 },
      expect: [],
    }),
    'v3.14-open': variant({
      summary: 'The device is not open before. Who opens it has the lock of the list, and wants that of the device.',
      objects,
      start: ready,
      threads: (of) => ({
        user: [call(process, of, vfio_pci_ops(pciOf(of, v3_14))).into(reset)],
        admin: [unbind(of, v3_14)],
      }),
      sometimes: { 'the open comes first': ({ result }) => result(reset) === 0 },
      expect: [{ kind: 'deadlock', object: 'pdev.mutex' }],
    }),
  },
});
