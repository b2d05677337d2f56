import test from 'ava';
import scenario from '../../../scenarios/mdev/remove-while-open.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['v4.10', 'v4.19'])
  test(`in ${variant} a read goes through a state that remove has freed`, async (t) => {
    shows(t, findingOf(await isAsExpected(t, scenario, variant), 'use-after-free', 'state'), [
      'user: mdev->driver_data = {"at":"state"}',
      'admin: mtty->remove = "mtty_remove"',
      'admin: kfree(state)',
      'user: mutex_lock(&state->ops_lock)',
    ]);
  });

test('in v5.2 the vendor is asked when the device is closed', async (t) => {
  await isClean(t, scenario, 'v5.2');
});

test('it is not, where the driver does not wait for the last user', async (t) => {
  const undone = await withoutLine(scenario, 'v5.2', { event: 'wait_for_completion', in: 'vfio_del_group_dev' });
  t.is(findingOf(undone, 'use-after-free', 'state').kind, 'use-after-free');
});
