import test from 'ava';
import scenario from '../../../scenarios/cdev/group-open-while-orphaned.ts';
import { findingOf, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a group that is opened while its last device goes leads nowhere, and says so', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('without the lock of the group its IOMMU group goes while a container claims it', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'mutex_lock',
    in: 'vfio_device_remove_group',
    c: 'group->group_lock',
  });
  shows(t, findingOf(undone, 'null-deref', 'mutex', 'iommu_group_claim_dma_owner'), [
    'user: group->iommu_group = {"at":"iommu_group"}',
    'admin: group->iommu_group = NULL',
    'user: group->iommu_group = {"at":"NULL"}',
  ]);
});

test('without the look at the container the file of the group keeps one, and its close comes too late for it', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'load',
    in: 'vfio_device_remove_group',
    c: 'container',
    reply: { at: 'NULL' },
  });
  shows(t, findingOf(undone, 'null-deref', 'mutex', 'iommu_group_release_dma_owner'), ['admin: group->iommu_group = NULL']);
});

test('without the count of drivers an open is let in that would have been refused, and comes to no harm', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', { event: 'refcount_read', in: 'vfio_group_fops_open', reply: 1 });
  t.deepEqual(
    [...undone.findings, ...undone.consequences].map(({ kind, object }) => [kind, object]),
    [['never-reached', 'it is opened too late, and nothing drives the group']],
  );
});
