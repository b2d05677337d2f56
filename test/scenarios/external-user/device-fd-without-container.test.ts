import test from 'ava';
import scenario from '../../../scenarios/external-user/device-fd-without-container.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the container goes between the look at its users and the look at it', async (t) => {
  const result = await isAsExpected(t, scenario, 'v3.12');
  shows(t, findingOf(result, 'null-deref', 'iommu_driver'), [
    'opener: atomic_read(&group->container_users) = 1',
    'other: atomic_cmpxchg(&group->container_users, 1, 0) = 1',
    'other: group->container = NULL',
    'opener: group->container = {"at":"NULL"}',
  ]);
});

test('or after all looks, and the device is open with no domain around it', async (t) => {
  const result = await isAsExpected(t, scenario, 'v3.12');
  shows(t, findingOf(result, 'invariant', 'group'), [
    'opener: container->iommu_driver = {"at":"spapr_tce"}',
    'other: atomic_cmpxchg(&group->container_users, 1, 0) = 1',
    'other: group->container = NULL',
    'opener: atomic_inc(&group->container_users)',
  ]);
  // Its close finds itself the last user.
  shows(t, findingOf(result, 'list-corruption', 'group.container_next'), [
    'other: atomic_cmpxchg(&group->container_users, 1, 0) = 1',
    'opener: atomic_inc(&group->container_users)',
    'opener: atomic_dec_if_positive(&group->container_users) = 0',
  ]);
});

test('counted under the lock of the group the device keeps its container', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('a device that is not counted loses it', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'store',
    in: 'vfio_group_use_container',
  });
  t.true(undone.findings.length > 0);
});
