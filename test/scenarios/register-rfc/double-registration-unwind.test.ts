import test from 'ava';
import scenario from '../../../scenarios/register-rfc/double-registration-unwind.ts';
import { findingOf, isAsExpected, shows } from '../../helpers/scenario.ts';

test('the second call puts the one reference and the group, and the first owner locks what is freed', async (t) => {
  const freed = findingOf(await isAsExpected(t, scenario, 'rfc'), 'use-after-free', 'group');
  shows(t, freed, [
    // The library exposes the node: one reference.
    'admin: refcount_set(&device->refcount, 1)',
    // The driver's call joins the group on it,
    'admin: device->minor = -1',
    'admin: device->group = group',
    'admin: refcount_read(&device->refcount) = 1',
    // finds the device on the list of nodes,
    'admin: vfio.device_list.next = {"at":"device"}',
    // and unregisters it.
    'admin: refcount_dec_and_test(&device->refcount) = true',
    'admin: refcount_dec_and_test(&group->kref) = true',
    'admin: kfree(group)',
    // So does the driver.
    'admin: device->group = {"at":"group@admin"}',
    'admin: mutex_lock(&group->unbound_lock)',
  ]);
  t.is(freed.preemptions, 0);
});

test('where the group lives on, the first owner puts a count of 0, and waits in its probe for good', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-shared-group');
  const put = findingOf(result, 'refcount', 'device.refcount', 'below 0');
  shows(t, put, [
    'admin: refcount_dec_and_test(&device->refcount) = true',
    'admin: complete(&device->comp)',
    'admin: try_wait_for_completion(&device->comp) = true',
    'admin: refcount_dec_and_test(&device->refcount) = false',
  ]);
  t.is(put.fault.prints, 'refcount_t: underflow; use-after-free.');
  const waits = findingOf(result, 'starvation', 'device.comp');
  t.is(waits.trace?.steps.at(-1)?.way, 'timeout');
  t.deepEqual(waits.trace?.steps.at(-1)?.held, ['dev.mutex']);
});

test('the merged design refuses the second call with a warning, and the driver undoes the first one whole', async (t) => {
  const result = await isAsExpected(t, scenario, 'merged');
  t.deepEqual(
    result.findings.map(({ kind, object }) => `${kind} ${object}`),
    ['warn vfio_group_find_or_alloc'],
  );
  t.deepEqual(result.consequences, []);
});
