import test from 'ava';
import scenario from '../../../scenarios/mdev/unregister-holds-up-others.ts';
import { findingOf, isAsExpected, shows } from '../../helpers/scenario.ts';

for (const variant of ['v4.10', 'v4.19'])
  test(`in ${variant} another parent waits for the user of this one`, async (t) => {
    const behind = findingOf(await isAsExpected(t, scenario, variant), 'hung-task', 'mdev_core.parent_list_lock');
    t.is(behind.fault.prints, 'INFO: task driver blocked for more than 120 seconds.');
    shows(t, behind, [
      'admin: mutex_lock(&mdev_core.parent_list_lock)',
      'admin: wait_for_completion_interruptible_timeout(&vdev.released): time is up',
    ]);
  });

test('in v5.2 only the unregistration itself waits', async (t) => {
  const { findings } = await isAsExpected(t, scenario, 'v5.2');
  t.deepEqual(
    findings.map(({ kind, object }) => [kind, object]),
    [['starvation', 'vdev.released']],
  );
});
