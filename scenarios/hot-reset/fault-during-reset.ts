/**
 * A user resets the card while other threads of his, or virtual CPUs of a guest, use the BARs of its functions: one by a
 * mapping that was used before, one by a mapping that is used for the first time.
 *
 * Nobody gets there before the reset is over: it zaps what is mapped and holds the memory_lock of each device for writing,
 * and whoever faults waits for that. Where a fault was first it is the reset that gives up, with -EBUSY.
 *
 * Up to v5.7 a mapping is filled by mmap(2) and nobody zaps it: whoever has one gets to a function that is in reset, or whose
 * memory was turned off for it. What comes of that is up to the platform.
 *
 * In v6.6 the mappings have a list and a lock of their own, which stands between that of the user's address space and the
 * memory_lock. To zap a mapping it is let go, and taken again afterwards, and the list looked at anew: somebody may have
 * faulted meanwhile. A user who does so each time keeps the reset, and with it the lock of the set, for as long as he
 * likes. With v6.10 the mappings are found by an inode, and zapped when the memory_lock is held.
 */
import { EBUSY, EINVAL } from '../../actors/vfio/errno.ts';
import * as v3_13 from '../../actors/vfio/v3.13/vfio_pci.ts';
import * as v6_12 from '../../actors/vfio/v6.12/vfio_pci_core.ts';
import * as v6_6 from '../../actors/vfio/v6.6/vfio_pci_core.ts';
import { mm_struct, vm_area_struct } from '../../machines/driver-core/mm.ts';
import { call, defineScenario, type Local, local, variant } from '../../src/index.ts';
import { asBeforeReset, locksAreFree, nobodyReachesInReset } from '../laws/reset.ts';
import * as one from './setup/one-function.ts';
import { busOf, groupsOf, laws, objects, objectsV6_12, start, startV6_12 } from './setup/two-functions.ts';

const reset = local<number>('reset');
const gotA = local<boolean>('gotA');
const gotB = local<boolean>('gotB');

interface Results {
  readonly result: <R>(of: Local<R>) => R | undefined;
}
const always = laws;
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
  source:
    'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_hot_reset() and vfio_pci_mmap_fault(), v6.6 and v6.12; abafbc551fdd, v5.8',
  covers: ['Z-11', 'X-11'],
  tags: ['seed-004'],
  variants: {
    'v3.14': variant({
      summary: 'One function, and nothing but the locks of devices; as up to v5.7.',
      objects: { ...one.objects, mm: mm_struct, vma: vm_area_struct },
      start: { ...one.openedOnce, 'vma.vm_mm': { value: { at: 'mm' } }, 'vma.ptes': { initially: 'filled' } },
      threads: (of) => {
        const pci = { vfio: of.vfio, driver: of.vfio_pci, vdev: of.vdev, bus: one.busOf(of), resets: v3_13.v3_14 };
        return {
          user: [call(v3_13.VFIO_DEVICE_PCI_HOT_RESET, pci, of.device, [of.file]).into(reset)],
          vcpu: [call(v3_13.readBar, of.vma, of.pdev).into(gotA)],
        };
      },
      always: nobodyReachesInReset('pdev'),
      sometimes: { 'the reset succeeds': ({ result }) => result(reset) === 0 },
      atEnd: asBeforeReset('pdev'),
      expect: [{ kind: 'invariant', object: 'pdev.function', between: ['pci_write_config_word', 'readl'] }],
    }),
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
