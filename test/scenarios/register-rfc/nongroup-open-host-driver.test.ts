import test from 'ava';
import scenario from '../../../scenarios/register-rfc/nongroup-open-host-driver.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a host driver is bound while user space has the node open, and the notifier takes the group for idle', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const owners = findingOf(result, 'invariant', 'dma.of_host');
  shows(t, owners, [
    'user: group->container = {"at":"NULL"}',
    'user: atomic_cmpxchg(&device->opened, 0, 1) = 0',
    'user: dma.of_user = true',
    'admin: card_dev->driver = e1000',
    'admin: dma.of_host = true',
    'admin: atomic_read(&group->container_users) = 0',
    'admin: device_unlock(&card_dev->mutex)',
  ]);
  t.is(owners.preemptions, 0);
  t.is(owners.fault.prints, null);
  t.deepEqual(result.consequences, []);
});

test('a node is opened that shares its group with a host driver', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-host-driver-first');
  shows(t, findingOf(result, 'invariant', 'dma.of_host'), [
    'user: refcount_inc_not_zero(&device->refcount) = true',
    'user: atomic_cmpxchg(&device->opened, 0, 1) = 0',
    'user: dma.of_user = true',
  ]);
});

test('the same kernel refuses the device to who comes by the group', async (t) => {
  await isClean(t, scenario, 'rfc-by-group');
});

test('in the merged design the bind and the host driver exclude each other, and an open node gives no access', async (t) => {
  const result = await isClean(t, scenario, 'merged');
  t.is(result.sometimes.filter(({ reached }) => reached).length, 3);
});
