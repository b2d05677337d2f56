import test from 'ava';
import scenario from '../../../scenarios/cdev/open-while-unregistering.ts';
import { findingOf, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('who comes in before the reference of the registration is put is waited for', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('a remove that does not wait takes the group and the driver from under a user who is in', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'try_wait_for_completion',
    in: 'vfio_unregister_group_dev',
    reply: true,
  });
  const gone = findingOf(undone, 'use-after-free', 'group', 'vfio_device_block_group');
  shows(t, gone, ['user: refcount_inc_not_zero(&device->refcount) = true', 'admin: kfree(group)']);
  t.is(findingOf(undone, 'invariant', 'dev.driver').kind, 'invariant');
});
