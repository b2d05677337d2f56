import test from 'ava';
import scenario from '../../../scenarios/type1/reaccounting.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('whether there is an IOMMU is asked under the lock under which it goes', async (t) => {
  await isClean(t, scenario, 'v4.19');
  const early = findingOf(await isAsExpected(t, scenario, 'early-look'), 'invariant', 'dma', 'locked_vm');
  shows(t, early, [
    'guest: list_empty(&iommu->domain_list) = false',
    'qemu: list_del(&gpu_domain->next)',
    'qemu: mutex_unlock(&iommu->lock)',
    'guest: mutex_lock(&iommu->lock)',
    'guest: kfree(vpfn)',
    'guest: mutex_unlock(&vendor->cache_lock)',
  ]);
  t.is(early.preemptions, 1);
});

test('who is killed while he waits for a page fault leaves the charge', async (t) => {
  const killed = findingOf(await isAsExpected(t, scenario, 'v4.19-killed'), 'invariant', 'dma', 'locked_vm');
  shows(t, killed, [
    'sibling: down_read(&mm->mmap_sem)',
    'qemu: down_write(&mm->mmap_sem) = false',
    'qemu: rwsem_del_waiter(&mm->mmap_sem)',
  ]);
  await isClean(t, scenario, 'unkillable');
});

test('an unpin that does not take the lock has looked too early, too', async (t) => {
  const undone = await withoutLine(scenario, 'v4.19', { event: 'mutex_lock', in: 'vfio_iommu_type1_unpin_pages' });
  t.true(undone.findings.length > 0);
});
