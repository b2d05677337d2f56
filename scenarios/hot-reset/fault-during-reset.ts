/**
 * A user resets the card while other threads of his, or virtual CPUs of a guest, use the BARs of its functions: one by a
 * mapping that was used before, one by a mapping that is used for the first time.
 *
 * Nobody gets there before the reset is over: it zaps what is mapped and holds the memory_lock of each device for writing,
 * and whoever faults waits for that. Where a fault was first it is the reset that gives up, with -EBUSY.
 *
 * In v6.6 the mappings have a list and a lock of their own, which stands between that of the user's address space and the
 * memory_lock. To zap a mapping it is let go, and taken again afterwards, and the list looked at anew: somebody may have
 * faulted meanwhile. A user who does so each time keeps the reset, and with it the lock of the set, for as long as he
 * likes. With v6.10 the mappings are found by an inode, and zapped when the memory_lock is held.
 */
import { EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as v6_12 from '../../actors/vfio/v6.12/vfio_pci_core.ts';
import * as v6_6 from '../../actors/vfio/v6.6/vfio_pci_core.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { asBeforeReset, locksAreFree, nobodyReachesInReset } from '../laws/reset.ts';
import { busOf, groupsOf, objects, objectsV6_12, start, startV6_12 } from './setup/two-functions.ts';

const reset = local<number>('reset');
const gotA = local<boolean>('gotA');
const gotB = local<boolean>('gotB');

interface Results {
  readonly result: <R>(of: Local<R>) => R | undefined;
}
const always = nobodyReachesInReset('pdev_a', 'pdev_b');
const sometimes = {
  'the reset succeeds': ({ result }: Results) => result(reset) === 0,
  'it gives up, for a fault was first': ({ result }: Results) => result(reset) === -EBUSY,
};
const atEnd = {
  ...asBeforeReset('pdev_a', 'pdev_b'),
  'the reset is refused for no other reason': ({ result }: Results) => [0, -EBUSY].includes(result(reset) ?? -EINVAL),
};

export default defineScenario({
  name: 'fault-during-reset',
  summary: 'The BARs of a card are used while it is reset',
  source: 'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_hot_reset() and vfio_pci_mmap_fault(), v6.6 and v6.12',
  covers: ['Z-11'],
  tags: ['seed-004'],
  variants: {
    'v6.6': variant({
      summary: 'One thread uses a mapping, over and over if need be.',
      objects,
      start: start('a', 'b'),
      threads: (of) => ({
        user: [call(v6_6.VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, groupsOf(of)).into(reset)],
        vcpu_a: [call(v6_6.readBar, of.vma_a, of.pdev_a).into(gotA)],
      }),
      always,
      sometimes: {
        ...sometimes,
        'a fault waits while the card is in reset': ({ blocked, pdev_a }) =>
          blocked('vcpu_a') && pdev_a.function.state === 'in_reset',
      },
      atEnd: {
        ...atEnd,
        ...locksAreFree(['vma_lock', 'memory_lock'], 'vdev_a', 'vdev_b'),
        'he gets there': ({ result }) => result(gotA) === true,
      },
      // Both turn: whoever zaps, and whoever faults.
      expect: [
        { kind: 'starvation', object: 'vdev_a.vma_lock' },
        { kind: 'starvation', object: 'pdev_a.function' },
      ],
    }),
    'v6.12': variant({
      objects: objectsV6_12,
      start: startV6_12('a', 'b'),
      threads: (of) => ({
        user: [call(v6_12.VFIO_DEVICE_PCI_HOT_RESET, of.vfio, busOf(of), of.df_a, groupsOf(of)).into(reset)],
        vcpu_a: [call(v6_12.readBar, of.vma_a, of.pdev_a).into(gotA)],
        vcpu_b: [call(v6_12.readBar, of.vma_b, of.pdev_b).into(gotB)],
      }),
      always,
      sometimes: {
        ...sometimes,
        'both faults wait while the card is in reset': ({ blocked, pdev_a }) =>
          blocked('vcpu_a') && blocked('vcpu_b') && pdev_a.function.state === 'in_reset',
      },
      atEnd: {
        ...atEnd,
        ...locksAreFree(['memory_lock'], 'vdev_a', 'vdev_b'),
        'both get there': ({ result }) => result(gotA) === true && result(gotB) === true,
      },
      expect: [],
    }),
  },
});
