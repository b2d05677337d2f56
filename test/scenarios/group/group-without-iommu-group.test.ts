import test from 'ava';
import scenario from '../../../scenarios/group/group-without-iommu-group.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the IOMMU group is walked, and its chain used, after its last device has left', async (t) => {
  const result = await isAsExpected(t, scenario, 'v3.12');
  shows(t, findingOf(result, 'use-after-free', 'iommu_group', 'for_each_dev'), [
    'user: atomic_cmpxchg(&group->opened, 0, 1) = 0',
    'admin: dev->iommu_group = NULL',
    'admin: kfree(iommu_group)',
  ]);
  shows(t, findingOf(result, 'use-after-free', 'iommu_group', 'chain_unregister'), [
    'admin: kfree(iommu_group)',
    'user: list_del(&group->vfio_next)',
  ]);
});

test('a vfio_group that holds it can be walked, and closed', async (t) => {
  await isClean(t, scenario, 'v5.14');
});
