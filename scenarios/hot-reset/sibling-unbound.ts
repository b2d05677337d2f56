/**
 * A user resets the card while its other function is unbound from vfio-pci, which he has open or not.
 *
 * The reset looks under the lock of the set whether all that is on the bus is in the set, and a device is in it until its
 * memory is released, under the same lock. So what it has found stays; and what remove waits for, the lock of the device
 * keeps the reset from: it tries for it, and gives up with -EAGAIN. Once the device is gone from the set, so is the
 * permission: -EINVAL.
 */
import { EAGAIN, EINVAL } from '../../actors/vfio/errno.ts';
import { device_driver_detach } from '../../actors/driver-core/dd.ts';
import { closeDevice } from '../../actors/vfio/v6.6/vfio_main.ts';
import { VFIO_DEVICE_PCI_HOT_RESET, vfio_pci_ops } from '../../actors/vfio/v6.6/vfio_pci_core.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { asBeforeReset, locksAreFree } from '../laws/reset.ts';
import { busOf, driverOf, groupsOf, laws, objects, start } from './setup/two-functions.ts';

const reset = local<number>('reset');

interface Results {
  readonly result: <R>(of: Local<R>) => R | undefined;
}
const always = {
  ...laws,
  'what is reset is in the set': ({ pdev_a, dev_set }: Seen) =>
    pdev_a.function.state === 'ready' || dev_set.device_list.entries.length === 2,
};
interface Seen {
  readonly pdev_a: { readonly function: { readonly state: string } };
  readonly dev_set: { readonly device_list: { readonly entries: readonly string[] } };
}
const sometimes = {
  'the reset comes first': ({ result }: Results) => result(reset) === 0,
  'it cannot have the lock of the device that is unbound': ({ result }: Results) => result(reset) === -EAGAIN,
};
const atEnd = {
  ...asBeforeReset('pdev_a', 'pdev_b'),
  ...locksAreFree(['vma_lock', 'memory_lock'], 'vdev_a', 'vdev_b'),
};

export default defineScenario({
  name: 'sibling-unbound',
  summary: 'A card is reset while one of its functions is unbound',
  source: 'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_hot_reset(), v6.6',
  covers: ['Z-12'],
  tags: ['seed-004'],
  variants: {
    'v6.6': variant({
      summary: 'Nobody has the function open that is unbound.',
      objects,
      start: start('a'),
      threads: (of) => ({
        user: [call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, groupsOf(of)).into(reset)],
        admin: [call(device_driver_detach, driverOf(of), of.pdev_b)],
      }),
      always,
      sometimes: {
        ...sometimes,
        'the device is gone from the set': ({ result }) => result(reset) === -EINVAL,
        'it waits for the reset to be let go': ({ blocked, pdev_b }) => blocked('admin') && pdev_b.function.state === 'in_reset',
      },
      atEnd: { ...atEnd, 'the device is gone': ({ vdev_b }) => vdev_b.freed },
      expect: [],
    }),
    'v6.6-open': variant({
      summary: 'The user has it open, too, so that remove waits for him.',
      objects,
      start: start('a', 'b'),
      threads: (of) => ({
        user: [
          call(VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, groupsOf(of)).into(reset),
          call(closeDevice, of.vfio, of.df_b, vfio_pci_ops(busOf(of))),
        ],
        admin: [call(device_driver_detach, driverOf(of), of.pdev_b)],
      }),
      always,
      sometimes,
      atEnd: { ...atEnd, 'the device is gone': ({ vdev_b }) => vdev_b.freed },
      expect: [],
    }),
  },
});
