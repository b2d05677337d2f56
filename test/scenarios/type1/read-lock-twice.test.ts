import test from 'ava';
import scenario from '../../../scenarios/type1/read-lock-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('an unmap stands behind the writer who stands behind it', async (t) => {
  const stuck = findingOf(await isAsExpected(t, scenario, 'v4.13'), 'self-deadlock', 'container.group_lock');
  shows(t, stuck, [
    'qemu: down_read(&container->group_lock)',
    'qemu: list_empty(&dma->pfn_list) = false',
    'qemu: mutex_unlock(&iommu->lock)',
    'qemu: down_read(&iommu->notifier_rwsem)',
    'qemu: mutex_lock(&vendor->cache_lock)',
    'hotplug: down_write(&container->group_lock) = false',
  ]);
  t.is(stuck.preemptions, 1);
});

test('without the lock both come through', async (t) => {
  await isClean(t, scenario, 'v4.19');
});
