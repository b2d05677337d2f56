import test from 'ava';
import scenario from '../../../scenarios/vendor/notifier-before-pins.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('an unmap looks eleven times into an empty chain, and is a BUG() with the lock held', async (t) => {
  const result = await isAsExpected(t, scenario, 'v4.19');
  const bug = findingOf(result, 'bug', 'vfio_dma_do_unmap');
  shows(t, bug, [
    'closer: notifier_chain_unregister(&iommu->notifier_head, vgpu.iommu_notifier) = 0',
    'unmapper: list_empty(&dma->pfn_list) = false',
    'unmapper: iommu->notifier_head.head = {"at":"NULL"}',
    'unmapper: BUG_ON(++retries > 10)',
  ]);
  t.is(linesOf(bug).filter((line) => line.startsWith('unmapper: iommu->notifier_head.head')).length, 11);
  t.is(findingOf(result, 'deadlock', 'iommu.lock').kind, 'deadlock');
});

test('to hold the group does not help against that', async (t) => {
  t.is(findingOf(await isAsExpected(t, scenario, 'v5.10'), 'bug', 'vfio_dma_do_unmap').kind, 'bug');
});

test('unpinned first, the page is unmapped, and told or not nobody waits', async (t) => {
  await isClean(t, scenario, 'unpin-first');
});

test('it is clean because the pins are gone before the notifier is', async (t) => {
  const undone = await withoutLine(scenario, 'unpin-first', {
    event: 'list_first_entry',
    in: 'gvt_cache_destroy',
    reply: { at: 'NULL' },
  });
  t.is(findingOf(undone, 'bug', 'vfio_dma_do_unmap').kind, 'bug');
});
