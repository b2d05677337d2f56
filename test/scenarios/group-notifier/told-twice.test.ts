import test from 'ava';
import scenario from '../../../scenarios/group-notifier/told-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the registration tells of the machine, and so does KVM', async (t) => {
  const twice = findingOf(await isAsExpected(t, scenario, 'v5.11'), 'leak', 'kvm');
  const taken = (twice.trace?.steps ?? []).filter(({ c }) => c === 'refcount_inc(&kvm->users_count)');
  t.deepEqual(taken.map(({ thread }) => thread).toSorted(), ['user', 'vmm']);
});

test('KVM tells a driver that has looked, and is not off the chain yet', async (t) => {
  const late = findingOf(await isAsExpected(t, scenario, 'v5.11-closes'), 'leak', 'kvm');
  t.true((late.trace?.steps ?? []).some(({ c }) => c === 'refcount_inc(&kvm->users_count)'));
});

test('what the registration has looked up it tells after KVM has let go', async (t) => {
  shows(t, findingOf(await isAsExpected(t, scenario, 'v5.11-let-go'), 'end-state', 'mdev.kvm'), [
    'user: group->kvm = {"at":"kvm"}',
    'user: group->kvm = {"at":"kvm"}',
    'vmm: group->kvm = NULL',
    'user: mdev->kvm = kvm',
  ]);
});

test('the core looks once, and has a reference', async (t) => {
  await isClean(t, scenario, 'v6.3');
});
