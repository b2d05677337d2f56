import test from 'ava';
import scenario from '../../../scenarios/type1/pin-out-of-memory.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('what could not be noted is not found to be undone', async (t) => {
  const leaked = findingOf(await isAsExpected(t, scenario, 'v4.19.71'), 'leak', 'page');
  shows(t, leaked, [
    'qemu: atomic_inc(&page->_refcount)',
    'qemu: kzalloc(vpfn): fails',
    'qemu: dma->pfn_list.next = {"at":"NULL"}',
    'qemu: mutex_unlock(&iommu->lock)',
  ]);
});

test('the page is put, and the charge taken back', async (t) => {
  await isClean(t, scenario, 'v4.19.191');
  const undone = await withoutLine(scenario, 'v4.19.191', {
    event: 'atomic_dec_and_test',
    in: 'put_page',
    c: '_refcount',
    reply: false,
  });
  t.true(undone.findings.length > 0);
});
