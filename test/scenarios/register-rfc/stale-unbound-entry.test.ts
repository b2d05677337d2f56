import test from 'ava';
import scenario from '../../../scenarios/register-rfc/stale-unbound-entry.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

test('the entry that a failed probe leaves behind satisfies the check that would stop the host', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const shared = findingOf(result, 'invariant', 'dev.driver');
  shows(t, shared, [
    'user: refcount_inc_not_zero(&sibling->refcount) = true',
    'user: atomic_inc(&group->container_users)',
    'admin: list_add(&unbound->unbound_next, &group->unbound_list)',
    'admin: kfree(device)',
    'admin: dev->driver = NULL',
    'admin: dev->driver = e1000e',
    'admin: atomic_read(&group->container_users) = 2',
    'admin: READ_ONCE(dev->driver) = {"at":"e1000e"}',
    'admin: unbound->dev = {"at":"dev"}',
  ]);
  t.false(linesOf(shared).some((line) => line.includes('list_del(&unbound->unbound_next)')));
  t.true(shared.trace?.steps.every(({ splats }) => splats.length === 0));
  // Of either order: the check of GET_DEVICE_FD is satisfied, too.
  t.deepEqual(
    result.sometimes.map(({ reached }) => reached),
    [true, true],
  );

  const left = findingOf(result, 'leak', 'unbound');
  shows(t, left, ['admin: kzalloc(unbound) = {"at":"unbound@admin"}', 'admin: dev->driver = NULL']);
});

test('in the merged design the host is refused, or the user is', async (t) => {
  await isClean(t, scenario, 'merged');
});
