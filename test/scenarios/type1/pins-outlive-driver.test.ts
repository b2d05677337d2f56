import test from 'ava';
import scenario from '../../../scenarios/type1/pins-outlive-driver.ts';
import { findingOf, isAsExpected, isClean, linesOf } from '../../helpers/scenario.ts';

test('an empty chain is told eleven times in vain', async (t) => {
  const result = await isAsExpected(t, scenario, 'forgets');
  const bug = linesOf(findingOf(result, 'bug', 'vfio_dma_do_unmap'));
  t.is(bug.filter((line) => line === 'qemu: iommu->notifier_head.head = {"at":"NULL"}').length, 11);
  await isClean(t, scenario, 'unpins');
});
