import test from 'ava';
import scenario from '../../../scenarios/migration/null-region-ops.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

test('GET_REGION_INFO follows the pointer before it asks the provider', async (t) => {
  const followed = findingOf(await isAsExpected(t, scenario, 'asked-for-info'), 'null-deref', 'fns');
  shows(t, followed, ['user: region->ops = NULL', 'user: vdev->num_regions = 1', 'user: region->ops = {"at":"NULL"}']);
  t.false(linesOf(followed).includes('user: i40e_ops.get_region_info()'));
});

test('a read follows it when the provider has passed it through', async (t) => {
  const followed = findingOf(await isAsExpected(t, scenario, 'passed-through'), 'null-deref', 'fns');
  shows(t, followed, ['user: i40e_ops.rw()', 'user: region->ops = {"at":"NULL"}']);
});

test('each last close follows it, with the lock of the device held', async (t) => {
  const result = await isAsExpected(t, scenario, 'closed');
  const followed = findingOf(result, 'null-deref', 'fns');
  shows(t, followed, ['user: vdev->refcnt = 0', 'user: region->ops = {"at":"NULL"}']);
  t.is(followed.preemptions, 0);
  t.truthy(findingOf(result, 'deadlock', 'reflck.lock'));
});

for (const variant of ['rfc-2-of-9', 'rfc-2-of-9-passed-through', 'default-functions'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });
