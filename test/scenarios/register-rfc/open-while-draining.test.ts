import test from 'ava';
import scenario from '../../../scenarios/register-rfc/open-while-draining.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

test('by its node a device gives out references while it drains', async (t) => {
  const given = findingOf(await isAsExpected(t, scenario, 'rfc-node'), 'invariant', 'device.refcount');
  shows(t, given, [
    'user: refcount_inc_not_zero(&device->refcount) = true',
    'admin: refcount_dec_and_test(&device->refcount) = false',
    'admin: try_wait_for_completion(&device->comp) = false',
    'admin: eventfd_signal(vdev->req_trigger)',
    'late: poll(eventfd)',
    'late: path_lookupat("/dev/vfio/devices/0000:00:14.2") = 0',
    'late: idr_find(&vfio.device_idr, 0) = {"at":"device"}',
    'late: refcount_inc_not_zero(&device->refcount) = true',
  ]);
  t.true(given.trace?.steps.every(({ splats }) => splats.length === 0));
});

test('by its group it does as well', async (t) => {
  const given = findingOf(await isAsExpected(t, scenario, 'rfc-group'), 'invariant', 'device.refcount');
  shows(t, given, [
    'admin: refcount_dec_and_test(&device->refcount) = false',
    'admin: eventfd_signal(vdev->req_trigger)',
    'late: poll(eventfd)',
    'late: sibling->group_next.next = {"at":"device"}',
    'late: refcount_inc_not_zero(&device->refcount) = true',
  ]);
  t.false(linesOf(given).some((line) => line.includes('list_del(&device->group_next)')));
});

test('what is off the list, or out of /dev, gives out none but to opens that were there before', async (t) => {
  await isClean(t, scenario, 'merged-group');
  await isClean(t, scenario, 'merged');
});
