import test from 'ava';
import scenario from '../../../scenarios/external-user/put-external-user.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the last external user frees the group and decrements its counter', async (t) => {
  const freed = findingOf(await isAsExpected(t, scenario, 'v3.12'), 'use-after-free', 'group', 'try_dissolve');
  shows(t, freed, [
    'admin: wake_up(&vfio.release_q)',
    'kvm: refcount_dec_and_test(&group->kref) = true',
    'kvm: list_del(&group->vfio_next)',
    'kvm: kfree(group)',
    'kvm: atomic_dec_if_positive(&group->container_users)',
  ]);
  // It needs no race, only that KVM comes last.
  t.is(freed.preemptions, 0);
});

test('one that is not the last may lose the group to the unbind while it takes the container off', async (t) => {
  const lost = findingOf(await isAsExpected(t, scenario, 'v3.12'), 'use-after-free', 'group', 'unset_container');
  shows(t, lost, ['kvm: refcount_dec_not_one(&group->kref) = true', 'admin: kfree(group)']);
});

test('dissolved first, the group is there until it is put', async (t) => {
  await isClean(t, scenario, 'v4.13');
});
