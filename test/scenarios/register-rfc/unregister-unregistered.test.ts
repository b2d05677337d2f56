import test from 'ava';
import scenario from '../../../scenarios/register-rfc/unregister-unregistered.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

for (const name of ['rfc', 'rfc-never'] as const)
  test(`${name}: who unregisters what is not registered puts a count of 0 and waits for good, and so does who is next`, async (t) => {
    const result = await isAsExpected(t, scenario, name);
    const put = findingOf(result, 'refcount', 'device.refcount');
    t.is(linesOf(put).at(-1), 'bind: refcount_dec_and_test(&device->refcount) = false');
    t.is(put.fault.prints, 'refcount_t: underflow; use-after-free.');
    t.false(linesOf(put).some((line) => line.includes('refcount_set')));

    const waits = findingOf(result, 'starvation', 'device.comp');
    shows(t, waits, [
      'bind: refcount_dec_and_test(&device->refcount) = false',
      'bind: try_wait_for_completion(&device->comp) = false',
      'bind: wait_for_completion_interruptible_timeout(&device->comp): time is up',
    ]);
    const hangs = findingOf(result, 'hung-task', 'dev.mutex');
    t.is(hangs.fault.prints, 'INFO: task unbind blocked for more than 120 seconds.');
    t.deepEqual(hangs.trace?.standing.find(({ thread }) => thread === 'bind')?.held, ['dev.mutex']);
  });

test('a registration that has undone its first half is undone again, over a group that is freed', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-half');
  shows(t, findingOf(result, 'use-after-free', 'group'), [
    'bind: device_create(vfio.device_class, 1, "0000:00:14.2") = -17',
    'bind: refcount_dec_and_test(&device->refcount) = true',
    'bind: kfree(group)',
    'bind: mutex_lock(&group->unbound_lock)',
  ]);
});

test('in the merged design what fails to be registered is put, and nothing is left of it', async (t) => {
  const result = await isClean(t, scenario, 'merged');
  t.deepEqual(result.consequences, []);
});

test('a driver that unregisters there follows a NULL pointer at once, with the lock of the device', async (t) => {
  const result = await isAsExpected(t, scenario, 'merged-wrong-undo');
  shows(t, findingOf(result, 'null-deref', 'device_lock'), [
    'bind: dev->iommu_group = {"at":"NULL"}',
    'bind: device->group = {"at":"NULL"}',
  ]);
});
