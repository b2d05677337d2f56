import test from 'ava';
import scenario from '../../../scenarios/kvm/plain-decrement.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the last that is counted is the call that was refused', async (t) => {
  const kept = findingOf(await isAsExpected(t, scenario, 'v4.19'), 'leak', 'container');
  shows(t, kept, [
    'worker: atomic_inc_not_zero(&group->container_users) = true',
    'user: atomic_dec_if_positive(&group->container_users) = 2',
    'user: atomic_dec_if_positive(&group->container_users) = 1',
    'worker: atomic_dec(&group->container_users)',
  ]);
});

test('who takes it back as all others do takes the group off the container', async (t) => {
  await isClean(t, scenario, 'dissolves');
});
