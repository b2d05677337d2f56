import test from 'ava';
import scenario from '../../../scenarios/mdev/remove-before-active.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('in v4.10 the type is read before the lock, and is not set yet', async (t) => {
  shows(t, findingOf(await isAsExpected(t, scenario, 'v4.10'), 'null-deref', 'devices_kobj'), [
    'admin: kernfs_add_one("uuid-b/remove") = 0',
    'user: new_mdev->type_kobj = {"at":"NULL"}',
    'admin: new_mdev->type_kobj = type',
    'user: mutex_lock(&parent->lock)',
    'user: NULL->devices_kobj',
  ]);
});

test('in v5.2 the file is gone when the device becomes active', async (t) => {
  shows(t, findingOf(await isAsExpected(t, scenario, 'v5.2'), 'end-state', 'new_mdev'), [
    'admin: kernfs_add_one("uuid-b/remove") = 0',
    'user: kernfs_unlink_sibling("uuid-b/remove")',
    'user: new_mdev->active = false',
    'admin: new_mdev->active = true',
  ]);
});

for (const variant of ['v4.19', 'v5.2-asked-first'])
  test(`in ${variant} a device that is there can be removed`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('in v6.1 it is the same, and may be so before the device has a driver', async (t) => {
  shows(t, findingOf(await isAsExpected(t, scenario, 'v6.1'), 'end-state', 'new_mdev'), [
    'admin: kernfs_add_one("uuid-b/remove") = 0',
    'user: kernfs_unlink_sibling("uuid-b/remove")',
    'user: new_mdev->active = false',
    'admin: new_mdev->active = true',
  ]);
});
