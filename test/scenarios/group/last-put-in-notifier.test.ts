import test from 'ava';
import scenario from '../../../scenarios/group/last-put-in-notifier.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the notifier releases the group, and waits for itself', async (t) => {
  const stuck = findingOf(await isAsExpected(t, scenario, 'v3.12'), 'self-deadlock', 'iommu_group.notifier_rwsem');
  shows(t, stuck, [
    'binder: down_read(&iommu_group->notifier_rwsem)',
    'binder: kref_get(&group->kref)',
    'unbinder: refcount_dec_not_one(&group->kref) = true',
    'binder: refcount_dec_and_test(&group->kref) = true',
    'binder: list_del(&group->vfio_next)',
  ]);
  t.regex(stuck.message, /a thread acquires the lock that it holds/);
});

test('a worker may wait for the notifier', async (t) => {
  await isClean(t, scenario, 'v5.14');
});
