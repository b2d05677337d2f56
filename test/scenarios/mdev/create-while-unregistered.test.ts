import test from 'ava';
import scenario from '../../../scenarios/mdev/create-while-unregistered.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['v4.10', 'v4.19'])
  test(`in ${variant} a device outlives the module of its vendor, and is removed through it`, async (t) => {
    const found = findingOf(await isAsExpected(t, scenario, variant), 'use-after-free', 'mtty');
    shows(t, found, [
      'admin: klist_next(&dev->klist_children) = {"next":{"at":"NULL"},"gone":false}',
      'user: klist_add_tail(new_mdev, &dev->klist_children)',
      'user: kernfs_put_active(&create->active)',
      'admin: wait_event(deactivate_waitq, atomic_read(&create->active) == KN_DEACTIVATED_BIAS)',
      'admin: kfree(mtty)',
      'admin: parent->ops = {"at":"mtty"}',
      'admin: mtty->remove',
    ]);
  });

test('in v5.2 the create is refused or waited for', async (t) => {
  await isClean(t, scenario, 'v5.2');
});

test('a create that does not ask for unreg_sem is left over as before', async (t) => {
  const undone = await withoutLine(scenario, 'v5.2', { event: 'down_read_trylock', in: 'mdev_device_create' });
  t.is(findingOf(undone, 'use-after-free', 'type').kind, 'use-after-free');
});
