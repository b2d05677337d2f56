import test from 'ava';
import scenario from '../../../scenarios/cdev/open-after-removal.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('who has found the cdev of a device that is removed gets that device or none', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('who is not asked gets into a device without a driver, and whose group is freed', async (t) => {
  const result = await isAsExpected(t, scenario, 'not-asked');
  shows(t, findingOf(result, 'refcount', 'device.refcount', 'raised from 0'), [
    'admin: devtmpfs_delete_node(&device)',
    'admin: refcount_dec_and_test(&device->refcount) = true',
    'user: refcount_inc(&device->refcount)',
  ]);
  shows(t, findingOf(result, 'use-after-free', 'group', 'vfio_device_block_group'), [
    'admin: kfree(group)',
    'user: mutex_lock(&group->group_lock)',
  ]);
  shows(t, findingOf(result, 'null-deref', 'owner'), ['admin: dev->driver = NULL', 'user: dev->driver = {"at":"NULL"}']);
});
