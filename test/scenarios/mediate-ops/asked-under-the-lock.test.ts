import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/asked-under-the-lock.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the lock of the list and that of the provider are taken in both orders', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const stuck = findingOf(result, 'deadlock', 'igd_dt_ops.device_bit_lock');
  shows(t, stuck, [
    'admin: mutex_lock(&igd_dt_ops.device_bit_lock)',
    'user: mutex_lock(&vfio_pci.mediate_ops_list_lock)',
    'user: igd_dt_ops.open()',
  ]);
  t.deepEqual(
    stuck.trace?.standing.map(({ object }) => object),
    ['igd_dt_ops.device_bit_lock', 'vfio_pci.mediate_ops_list_lock'],
  );
});

test('a registration from within an open waits for itself', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-registers-from-open');
  shows(t, findingOf(result, 'self-deadlock', 'vfio_pci.mediate_ops_list_lock'), ['user: igd_dt_ops.open()']);
});

test('to wait for an open and hold what it needs is as bad', async (t) => {
  const result = await isAsExpected(t, scenario, 'held-waits-under-lock');
  shows(t, findingOf(result, 'deadlock', 'mentry.released'), [
    'admin: mutex_lock(&igd_dt_ops.device_bit_lock)',
    'user: mutex_unlock(&vfio_pci.mediate_ops_list_lock)',
    'user: igd_dt_ops.open()',
    'admin: mentry->dying = true',
  ]);
});

for (const variant of ['held-without-wait', 'held'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });
