import test from 'ava';
import scenario from '../../../scenarios/type1/unmap-notice-freed-dma.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the mapping is freed between the notices to two devices', async (t) => {
  const freed = findingOf(await isAsExpected(t, scenario, 'v6.1'), 'use-after-free', 'dma');
  shows(t, freed, [
    'first: mutex_lock(&iommu->device_list_lock)',
    'first: dma->iova = 0',
    'first: list_del(&pfn->node)',
    'second: list_empty(&dma->pfn_list) = true',
    'second: kfree(dma)',
    'first: dma->iova',
  ]);
});

test('to copy the range is enough against that, and leaves the deadlock', async (t) => {
  const { findings } = await isAsExpected(t, scenario, 'range-copied');
  t.deepEqual(findings.map(({ kind }) => kind).toSorted(), ['deadlock', 'lock-order']);
});

test('with the range copied and the locks in one order nothing is wrong', async (t) => {
  await isClean(t, scenario, 'proposed');
});
