import test from 'ava';
import scenario from '../../../scenarios/register-rfc/refcount-read-set.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('one registrar starts the count once, whoever is in before the second half reads it', async (t) => {
  const result = await isClean(t, scenario, 'rfc-one-registrar');
  t.deepEqual(
    result.sometimes.map(({ reached }) => reached),
    [true, true],
  );
});

test('of two registrars the second sets the count back to 1 when a user has come between, and the reference is lost', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const lost = findingOf(result, 'refcount', 'device.refcount', 'the set lowers');
  shows(t, lost, [
    'registrar_a: refcount_read(&device->refcount) = 0',
    'registrar_b: refcount_read(&device->refcount) = 0',
    'registrar_b: refcount_set(&device->refcount, 1)',
    'user: refcount_inc_not_zero(&device->refcount) = true',
    'registrar_a: refcount_set(&device->refcount, 1)',
  ]);
  t.deepEqual(lost.trace?.steps.at(-1)?.changes.find(({ path }) => path === 'device.refcount')?.before.context, { n: 2 });
  // The open returns before the second set: what its task does next is not needed.
  t.deepEqual(lost.without, ['user.2', 'remover']);
  t.is(lost.preemptions, 1);
  t.true(lost.proven);
  // The kernel is silent there: the first that it says is that who removes the device puts a reference too many.
  t.is(lost.fault.prints, null);
  t.is(lost.symptom?.prints, 'refcount_t: underflow; use-after-free.');
});

test('the second registrar also forgets the minor of the first, without any preemption', async (t) => {
  const clobbered = findingOf(await isAsExpected(t, scenario, 'rfc'), 'use-after-free', 'device', 'vfio_device_get_from_minor');
  shows(t, clobbered, [
    'registrar_b: device->minor = 0',
    'registrar_a: device->minor = -1',
    'remover: kfree(device)',
    'user: refcount_inc_not_zero(&device->refcount)',
  ]);
  t.is(clobbered.preemptions, 0);
});

test('the merged design starts the count once and unbinds whole', async (t) => {
  await isClean(t, scenario, 'merged');
});

test('of two probes the driver core lets one through', async (t) => {
  await isClean(t, scenario, 'merged-two-probes');
});

test('two registrations of one structure get as far as sysfs, and the second takes the memory of the first along', async (t) => {
  const result = await isAsExpected(t, scenario, 'merged-two-registrars');
  shows(t, findingOf(result, 'list-corruption', 'vfio.devices_kset'), [
    'a: list_add_tail(&device->entry, &vfio.devices_kset)',
    'b: device->p = true',
    'b: list_add_tail(&device->entry, &vfio.devices_kset)',
  ]);
  t.is(findingOf(result, 'warn', 'device.sd').fault.prints?.startsWith('sysfs: cannot create duplicate filename'), true);
});
