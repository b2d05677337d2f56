import test from 'ava';
import scenario from '../../../scenarios/group-notifier/stale-kvm.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('what DEL has taken back ADD sets again, and the machine goes without the group', async (t) => {
  const result = await isAsExpected(t, scenario, 'v4.19');
  const stale = findingOf(result, 'invariant', 'kvm');
  shows(t, stale, [
    'adder: list_add_tail(&kvg->node, &kv->group_list)',
    'adder: mutex_unlock(&kv->lock)',
    'deleter: list_del(&kvg->node)',
    'deleter: group->kvm = NULL',
    'adder: group->kvm = kvm',
    'deleter: kfree(kvm)',
  ]);
  t.is(stale.preemptions, 1);
  shows(t, findingOf(result, 'use-after-free', 'kvm'), [
    'deleter: kfree(kvm)',
    'deleter: down_read(&group->notifier_rwsem)',
    'deleter: refcount_inc(&kvm->users_count)',
  ]);
});

test('told of the machine before the lock goes, the group is told last by who deletes it', async (t) => {
  await isClean(t, scenario, 'v5.15.y');
});

test('without the lock of the DEL it is not', async (t) => {
  const undone = await withoutLine(scenario, 'v5.15.y', { event: 'mutex_lock', in: 'kvm_vfio_group_del' });
  t.is(findingOf(undone, 'invariant', 'kvm').kind, 'invariant');
});
