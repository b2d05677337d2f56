import test from 'ava';
import scenario from '../../../scenarios/mdev/remove-while-unregistered.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('in v4.19 the unregistration does without a device that is being removed, and its vendor and type go', async (t) => {
  const result = await isAsExpected(t, scenario, 'v4.19');
  shows(t, findingOf(result, 'use-after-free', 'mtty', 'mdev_device_remove_ops'), [
    'user: kernfs_unbreak_active_protection(&remove->active) = true',
    'user: mdev->active = false',
    'admin: klist_next(&dev->klist_children) = {"next":{"at":"mdev"},"gone":false}',
    'admin: mdev->active = false',
    'admin: kfree(type)',
    'admin: kfree(mtty)',
    'user: mtty->remove',
  ]);
  shows(t, findingOf(result, 'use-after-free', 'type'), [
    'user: mdev->active = false',
    'admin: kfree(type)',
    'user: type->devices_kobj',
  ]);
});

test('in v4.19 a remove that is refused creates its file anew on a device that is freed', async (t) => {
  const found = findingOf(await isAsExpected(t, scenario, 'v4.19'), 'use-after-free', 'mdev');
  shows(t, found, [
    'user: kernfs_break_active_protection(&remove->active) = true',
    'admin: kfree(mdev)',
    'user: mdev_core.mdev_list.next = {"at":"NULL"}',
    'user: mdev->uuid',
  ]);
});

test('in v5.2 nobody holds the device or its parent between the lock of the list and unreg_sem', async (t) => {
  const result = await isAsExpected(t, scenario, 'v5.2');
  shows(t, findingOf(result, 'use-after-free', 'mdev', 'mdev_device_remove()'), [
    'user: mdev->active = false',
    'user: mutex_unlock(&mdev_core.mdev_list_lock)',
    'admin: kfree(mdev)',
    'user: mdev->parent',
  ]);
  shows(t, findingOf(result, 'use-after-free', 'parent'), [
    'user: mdev->parent = {"at":"parent"}',
    'admin: up_write(&parent->unreg_sem)',
    'admin: kfree(parent)',
    'user: down_read_trylock(&parent->unreg_sem)',
  ]);
});

test('tried under the lock of the list, unreg_sem is held by whoever removes the device', async (t) => {
  await isClean(t, scenario, 'v5.2-tried-under-list-lock');
});

test('unless the device leaves the list under that lock, both are freed again', async (t) => {
  const undone = await withoutLine(scenario, 'v5.2-tried-under-list-lock', { event: 'mutex_lock', in: 'mdev_device_release' });
  t.is(findingOf(undone, 'use-after-free', 'mdev').kind, 'use-after-free');
});
