import test from 'ava';
import scenario from '../../../scenarios/hot-reset/fault-during-reset.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

const LAW = 'nobody reaches a BAR of pdev_a while it is in reset or does not decode it';

test('in v6.6 nobody gets to a BAR in reset, and who faults again each time keeps the reset from beginning', async (t) => {
  const result = await isAsExpected(t, scenario, 'v6.6');
  const starved = findingOf(result, 'starvation', 'vdev_a.vma_lock');
  shows(t, starved, [
    'user: mutex_unlock(&vdev_a->vma_lock)',
    'user: mmap_read_trylock(&mm.mmap_lock) = true',
    'user: mutex_trylock(&vdev_a->vma_lock) = true',
    'user: zap_vma_ptes(vma_a.ptes)',
    'user: mutex_unlock(&vdev_a->vma_lock)',
    'vcpu_a: io_remap_pfn_range(vma_a.ptes)',
  ]);
  findingOf(result, 'starvation', 'pdev_a.function');
});

test('in v6.12 nobody gets to a BAR in reset, and all get there afterwards', async (t) => {
  await isClean(t, scenario, 'v6.12');
});

for (const [variant, zaps] of [
  ['v6.6', 'vfio_pci_zap_and_vma_lock'],
  ['v6.12', 'unmap_mapping_range'],
] as const)
  test(`in ${variant} a mapping that is not zapped leads to a function in reset`, async (t) => {
    const undone = await withoutLine(scenario, variant, { event: 'zap_vma_ptes', in: zaps });
    const reached = findingOf(undone, 'invariant', 'pdev_a.function', LAW);
    shows(t, reached, ['user: pci_save_state(&pdev_a->function)', 'vcpu_a: *(volatile u32 *)bar']);
  });

for (const variant of ['v6.6', 'v6.12'])
  test(`in ${variant} a fault that does not wait for the memory_lock maps a function in reset`, async (t) => {
    const undone = await withoutLine(scenario, variant, { event: 'down_read', in: 'vfio_pci_mmap_fault' });
    const reached = findingOf(undone, 'invariant', 'pdev_a.function', LAW);
    shows(t, reached, ['user: zap_vma_ptes(vma_a.ptes)', 'vcpu_a: *(volatile u32 *)bar: page fault']);
  });

test('up to v5.7 who has a mapping gets to a function whose memory is turned off for a reset', async (t) => {
  const reached = findingOf(await isAsExpected(t, scenario, 'v3.14'), 'invariant', 'pdev.function');
  shows(t, reached, [
    'user: pci_save_state(&pdev->function)',
    'user: pci_write_config_word(&pdev->function, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE)',
    'vcpu: *(volatile u32 *)bar',
  ]);
  t.is(reached.preemptions, 1);
});
