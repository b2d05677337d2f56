import test from 'ava';
import scenario from '../../../scenarios/register-rfc/release-in-container.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('each file is closed the way that it was opened, in whatever order', async (t) => {
  await isClean(t, scenario, 'rfc');
});

test('a file of the group that is not counted is closed as one of the node', async (t) => {
  const result = await isAsExpected(t, scenario, 'not-counted');
  const wrong = findingOf(result, 'invariant', 'group.container');
  shows(t, wrong, [
    'manager: atomic_cmpxchg(&group->container_users, 1, 0) = 1',
    'manager: group->container = NULL',
    'guest: group->container = {"at":"NULL"}',
    'guest: atomic_dec(&device->opened)',
  ]);
  t.deepEqual(wrong.trace?.steps.at(-1)?.changes[0]?.after.context, { n: -1 });
});

test('a file of the node beside an open group is closed as one of the group, and takes its container away', async (t) => {
  const result = await isAsExpected(t, scenario, 'not-excluded');
  shows(t, findingOf(result, 'invariant', 'group.container'), [
    'node_user: atomic_cmpxchg(&device->opened, 0, 1) = 0',
    'manager: group->container = container',
    'manager: atomic_inc(&group->container_users)',
    'node_user: group->container = {"at":"container"}',
    'node_user: atomic_dec_if_positive(&group->container_users) = 0',
    'node_user: group->container = NULL',
  ]);
  const counted = findingOf(result, 'leak', 'device.opened');
  t.false(counted.trace?.steps.some(({ object, event }) => object === 'device.opened' && event.type === 'atomic_dec'));
});
