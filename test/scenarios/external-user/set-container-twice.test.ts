import test from 'ava';
import scenario from '../../../scenarios/external-user/set-container-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('two who have found no user link the group into one list twice', async (t) => {
  const twice = findingOf(await isAsExpected(t, scenario, 'v3.12-one-container'), 'list-corruption', 'container.group_list');
  shows(t, twice, [
    'a: atomic_read(&group->container_users) = 0',
    'b: list_add(&group->container_next, &container->group_list)',
    'a: list_add(&group->container_next, &container->group_list)',
  ]);
});

test('or into the lists of two containers, of which the kernel says nothing', async (t) => {
  const both = findingOf(await isAsExpected(t, scenario, 'v3.12-two-containers'), 'list-corruption', 'group.container_next');
  t.is(both.fault.prints, null);
  t.is(both.preemptions, 1);
});

test('an unset that is late takes away the container that was set meanwhile', async (t) => {
  const result = await isAsExpected(t, scenario, 'v3.12-unset');
  const lost = findingOf(result, 'invariant', 'group');
  shows(t, lost, [
    'a: atomic_cmpxchg(&group->container_users, 1, 0) = 1',
    'b: atomic_read(&group->container_users) = 0',
    'b: group->container = other',
    'a: group->container = NULL',
    'b: atomic_inc(&group->container_users)',
  ]);
  // By which user space would notice: it was told of a container, and opens a device.
  t.is(findingOf(result, 'null-deref', 'iommu_driver').fault.prints, 'BUG: kernel NULL pointer dereference');
});

for (const variant of ['v6.6-two-containers', 'v6.6-unset'])
  test(`under the lock of the group nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('without that lock the group is linked twice again', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6-two-containers', {
    event: 'mutex_lock',
    in: 'vfio_group_ioctl_set_container',
  });
  t.true(undone.findings.length > 0);
});
