import test from 'ava';
import scenario from '../../../scenarios/type1/replay-fails.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a second try follows the first domain of an empty list', async (t) => {
  const wild = findingOf(await isAsExpected(t, scenario, 'v4.19.71'), 'null-deref', 'domain');
  shows(t, wild, [
    'qemu: dma->iommu_mapped = true',
    'qemu: kfree(domain)',
    'qemu: iommu->domain_list.next = {"at":"NULL"}',
    'qemu: dma->iommu_mapped = true',
  ]);
});

test('a replay that takes back what it has done may be tried again', async (t) => {
  await isClean(t, scenario, 'v4.19.191');
  const undone = await withoutLine(scenario, 'v4.19.191', {
    event: 'atomic_dec_and_test',
    in: 'put_page',
    c: '_refcount',
    reply: false,
  });
  t.true(undone.findings.some(({ message }) => message.includes('each page is held as often as it is used')));
});
