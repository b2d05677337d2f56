import test from 'ava';
import scenario from '../../../scenarios/register-rfc/register-undone-by-unregister.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

const untilItWaits = [
  'user: refcount_inc_not_zero(&device->refcount) = true',
  'prober: refcount_dec_and_test(&device->refcount) = false',
  'prober: try_wait_for_completion(&device->comp) = false',
  'prober: mutex_lock(&device->igate)',
  'prober: wait_for_completion_interruptible_timeout(&device->comp): time is up',
];

test('a probe waits for the user who was quick, and who needs the lock of the device waits for the probe', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const probe = findingOf(result, 'starvation', 'device.comp');
  shows(t, probe, ['prober: list_add(&device->group_next, &group->device_list)', ...untilItWaits]);
  const waits = probe.trace?.steps.at(-1);
  t.deepEqual(
    waits?.functions.filter((name) => /probe|register/.test(name)),
    ['__driver_probe_device', 'really_probe', 'vfio_pci_probe', 'vfio_register_device', 'vfio_unregister_device'],
  );
  t.deepEqual(waits?.held, ['dev.mutex']);

  const unbind = findingOf(result, 'hung-task', 'dev.mutex');
  t.is(unbind.fault.prints, 'INFO: task admin blocked for more than 120 seconds.');
  const admin = unbind.trace?.standing.find(({ thread }) => thread === 'admin');
  t.deepEqual([admin?.next, admin?.blocked], ['device_lock(&dev->mutex)', true]);
  // Who waits in slices of 10 s is not reported itself.
  t.is(probe.fault.prints, null);
});

test('a name that is taken is enough for the second half to fail', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-name-clash');
  const clash = findingOf(result, 'warn', 'vfio.device_class');
  t.regex(clash.fault.prints ?? '', /^sysfs: cannot create duplicate filename/);
  shows(t, clash, [
    'prober: list_add(&device->group_next, &group->device_list)',
    'prober: idr_alloc(&vfio.device_idr, device, 0, 1048576) = 1',
    'prober: device_create(vfio.device_class, 1, "0000:00:14.2") = -17',
  ]);
  shows(t, findingOf(result, 'starvation', 'device.comp'), [
    'prober: device_create(vfio.device_class, 1, "0000:00:14.2") = -17',
    ...untilItWaits.slice(1),
  ]);
});

test('in the merged design a registration that fails has nobody to wait for', async (t) => {
  await isClean(t, scenario, 'merged');
});
