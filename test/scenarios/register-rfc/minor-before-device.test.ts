import test from 'ava';
import scenario from '../../../scenarios/register-rfc/minor-before-device.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('nobody opens the device between its number and the rest of it', async (t) => {
  await isClean(t, scenario, 'rfc');
});

test('without the lock the device is open before it has a minor', async (t) => {
  const result = await isAsExpected(t, scenario, 'open-without-lock');
  const early = findingOf(result, 'invariant', 'device.refcount');
  shows(t, early, [
    'admin: mutex_lock(&vfio.device_lock)',
    'admin: idr_alloc(&vfio.device_idr, device, 0, 1048576) = 0',
    'admin: refcount_set(&device->refcount, 1)',
    'user: idr_find(&vfio.device_idr, 0) = {"at":"device"}',
    'user: refcount_inc_not_zero(&device->refcount) = true',
    'user: try_module_get(&vfio_pci.owner) = true',
  ]);
  t.deepEqual(
    early.trace?.steps.filter(({ object }) => object === 'device.minor').map(({ c }) => c),
    ['device->minor = -1'],
  );
});

test('without the lock the count of a freed device is raised', async (t) => {
  const result = await isAsExpected(t, scenario, 'open-without-lock-at-removal');
  shows(t, findingOf(result, 'use-after-free', 'device'), [
    'user: idr_find(&vfio.device_idr, 0) = {"at":"device"}',
    'admin: idr_remove(&vfio.device_idr, 0) = {"at":"device"}',
    'admin: kfree(device)',
    'user: refcount_inc_not_zero(&device->refcount)',
  ]);
});
