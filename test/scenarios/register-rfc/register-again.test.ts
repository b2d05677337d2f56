import test from 'ava';
import scenario from '../../../scenarios/register-rfc/register-again.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a second life ends as the first, when its last user has let go', async (t) => {
  await isClean(t, scenario, 'rfc');
});

test('with complete_all() the second unregistration does not wait for its user', async (t) => {
  const result = await isAsExpected(t, scenario, 'completed-for-all');
  const alone = findingOf(result, 'invariant', 'device.refcount');
  shows(t, alone, [
    'admin: complete_all(&device->comp)',
    'admin: try_wait_for_completion(&device->comp) = true',
    'admin: refcount_set(&device->refcount, 1)',
    'user: refcount_inc_not_zero(&device->refcount) = true',
    'admin: refcount_dec_and_test(&device->refcount) = false',
    'admin: try_wait_for_completion(&device->comp) = true',
    'admin: mutex_lock(&vfio.device_lock)',
  ]);
  t.is(alone.symptom?.prints, 'BUG: kernel NULL pointer dereference');
});

test('of two unregistrations one never returns, and the next life has a poisoned count', async (t) => {
  const result = await isAsExpected(t, scenario, 'unregistered-twice');
  shows(t, findingOf(result, 'refcount', 'device.refcount', 'below 0'), [
    'a: refcount_dec_and_test(&device->refcount) = true',
    'a: try_wait_for_completion(&device->comp) = true',
    'b: refcount_dec_and_test(&device->refcount) = false',
  ]);
});
