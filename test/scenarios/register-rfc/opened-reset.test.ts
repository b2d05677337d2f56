import test from 'ava';
import scenario from '../../../scenarios/register-rfc/opened-reset.ts';
import { findingOf, isAsExpected, shows } from '../../helpers/scenario.ts';

test('a second registration says that an open node is not, a second user comes in, and in the end nobody does', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-node');
  shows(t, findingOf(result, 'invariant', 'device.opened'), [
    'admin: list_add(&device->vfio_next, &vfio.device_list)',
    'user_a: atomic_cmpxchg(&device->opened, 0, 1) = 0',
    'user_a: atomic_inc(&vdev.users)',
    'admin: atomic_set(&device->opened, 0)',
  ]);
  shows(t, findingOf(result, 'invariant', 'vdev.users'), [
    'user_a: atomic_cmpxchg(&device->opened, 0, 1) = 0',
    'admin: atomic_set(&device->opened, 0)',
    'user_b: atomic_cmpxchg(&device->opened, 0, 1) = 0',
  ]);
  const end = findingOf(result, 'end-state', 'device.opened');
  const after = end.trace?.steps.findLast(({ object }) => object === 'device.opened')?.changes;
  t.is(after?.find(({ path }) => path === 'device.opened')?.after.context['n'], -1);
});

test('a device that was opened through its group is closed as if by its node, and the container is never left', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-group');
  const closed = findingOf(result, 'invariant', 'device.opened');
  shows(t, closed, [
    'admin: device->group = NULL',
    'admin: device->group = group',
    'admin: device->group = NULL',
    'admin: atomic_set(&device->opened, 0)',
    'user: atomic_inc(&group->container_users)',
    'user: device->group = {"at":"NULL"}',
    'user: atomic_dec(&device->opened)',
  ]);
  t.is(closed.trace?.steps.at(-1)?.operation, 'vfio_device_fops_release');
  shows(t, findingOf(result, 'leak', 'container'), ['user: atomic_dec_if_positive(&group->container_users) = 1']);
  shows(t, findingOf(result, 'end-state', 'group.opened'), ['user: group->container = {"at":"container"}']);
});

for (const name of ['merged-node', 'merged-group'] as const)
  test(`${name}: a second registration is refused with a warning, and the counts do not notice`, async (t) => {
    const result = await isAsExpected(t, scenario, name);
    t.deepEqual(
      result.findings.map(({ kind, object }) => `${kind} ${object}`),
      ['warn vfio_group_find_or_alloc'],
    );
    t.deepEqual(result.consequences, []);
  });
