import test from 'ava';
import scenario from '../../../scenarios/type1/unmap-storm.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

test('a page that is pinned again twelve times makes the unmap a bug', async (t) => {
  const storm = findingOf(await isAsExpected(t, scenario, 'v4.19'), 'bug', 'vfio_dma_do_unmap');
  const lines = linesOf(storm);
  t.is(lines.filter((line) => line === 'guest: list_add_tail(&vpfn->node, &dma->pfn_list)').length, 12);
  t.is(lines.filter((line) => line === 'qemu: list_empty(&dma->pfn_list) = false').length, 12);
  // The driver was told, and has unpinned, eleven times.
  t.is(lines.filter((line) => line === 'qemu: list_del(&vpfn->node)').length, 11);
  shows(t, storm, ['qemu: mutex_lock(&iommu->lock)', 'qemu: list_empty(&dma->pfn_list) = false', 'qemu: BUG_ON(++retries > 10)']);
});

test('an unmap that gives up, or a vendor that refuses, leaves no bug', async (t) => {
  await isClean(t, scenario, 'gives-up');
  await isClean(t, scenario, 'vendor-refuses');
});
