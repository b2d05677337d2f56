import test from 'ava';
import scenario from '../../../scenarios/mdev/removed-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('in v4.10 the second to remove a device waits for the lock until it is freed', async (t) => {
  const found = findingOf(await isAsExpected(t, scenario, 'v4.10'), 'use-after-free', 'mdev', 'mdev_device_remove_ops()');
  shows(t, found, [
    'user: kernfs_unbreak_active_protection(&remove->active) = true',
    'user: mdev->parent = {"at":"parent"}',
    'admin: mutex_unlock(&parent->lock)',
    'admin: kfree(mdev)',
    'user: mutex_lock(&parent->lock)',
    'user: mdev->parent',
  ]);
});

test('in v4.10 who removes the file of a device waits for who has the file and waits for the lock', async (t) => {
  const found = findingOf(await isAsExpected(t, scenario, 'v4.10'), 'deadlock', 'remove.active');
  shows(t, found, [
    'admin: mutex_lock(&parent->lock)',
    'admin: atomic_add(KN_DEACTIVATED_BIAS, &remove->active) = true',
    'user: kernfs_break_active_protection(&remove->active) = true',
    'user: kernfs_unbreak_active_protection(&remove->active) = true',
  ]);
  t.deepEqual(
    found.trace?.standing.map(({ thread, object }) => [thread, object]),
    [
      ['admin', 'remove.active'],
      ['user', 'parent.lock'],
    ],
  );
});

test('nothing is left of it where a device is looked for on the list of all, and unreg_sem tried there', async (t) => {
  await isClean(t, scenario, 'v5.2-tried-under-list-lock');
});
