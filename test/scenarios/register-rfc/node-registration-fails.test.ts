import test from 'ava';
import scenario from '../../../scenarios/register-rfc/node-registration-fails.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a registration that fails leaves no node, and the next finds the name free', async (t) => {
  await isClean(t, scenario, 'rfc');
});

test('with something that can fail after device_create() the node stays, and the next registration stumbles over it', async (t) => {
  const result = await isAsExpected(t, scenario, 'fails-after-the-node');
  const left = findingOf(result, 'invariant', 'vfio.device_lock');
  shows(t, left, [
    'admin: device_create(vfio.device_class, 0, "0000:00:14.2") = 0',
    'admin: device_create_file(): fails',
    'admin: idr_remove(&vfio.device_idr, 0) = {"at":"device"}',
    'admin: mutex_unlock(&vfio.device_lock)',
  ]);
  t.true(left.symptom?.prints.startsWith('sysfs: cannot create duplicate filename'));
});
