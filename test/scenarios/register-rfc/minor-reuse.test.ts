import test from 'ava';
import scenario from '../../../scenarios/register-rfc/minor-reuse.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

test('the number of A is given to B between the look-up of its node and that in the idr', async (t) => {
  const reused = findingOf(await isAsExpected(t, scenario, 'rfc'), 'invariant', 'vfio.device_idr');
  shows(t, reused, [
    'user: path_lookupat("/dev/vfio/devices/0000:00:14.0") = 0',
    'admin: idr_remove(&vfio.device_idr, 0) = {"at":"device_a"}',
    'admin: kfree(device_a)',
    'admin: idr_alloc(&vfio.device_idr, device_b, 0, 1048576) = 0',
    'user: idr_find(&vfio.device_idr, 0) = {"at":"device_b"}',
    'user: refcount_inc_not_zero(&device_b->refcount) = true',
  ]);
  t.is(reused.preemptions, 1);
  // It is all in order but for who has what: no kernel says a word.
  t.true(reused.trace?.steps.every(({ splats }) => splats.length === 0));
});

test('an open that has the cdev of A keeps its number from B', async (t) => {
  await isClean(t, scenario, 'merged');
});

test('an open that has only the inode of A goes by the number, and gets B', async (t) => {
  const stale = findingOf(await isAsExpected(t, scenario, 'merged-stale-inode'), 'invariant', 'vfio.chrdevs');
  shows(t, stale, [
    'user: path_lookupat(the node of device_a) = "vfio-dev:0"',
    'admin: devtmpfs_delete_node(&device_a)',
    'admin: cdev_put(&device_a.cdev) = true',
    'admin: ida_free(&vfio.device_ida, 0)',
    'admin: kfree(device_a)',
    'admin: ida_alloc_max(&vfio.device_ida, 1048575) = 0',
    'admin: kobj_map(cdev_map, device_b.devt)',
  ]);
  t.is(linesOf(stale).at(-1), 'user: cdev_get(inode->i_cdev ?: kobj_lookup(cdev_map, inode->i_rdev)) = {"at":"device_b@admin"}');
});
