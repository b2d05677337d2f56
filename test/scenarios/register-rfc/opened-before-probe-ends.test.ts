import test from 'ava';
import scenario from '../../../scenarios/register-rfc/opened-before-probe-ends.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a driver that registers in the middle of its probe is opened before it is set up', async (t) => {
  const oops = findingOf(await isAsExpected(t, scenario, 'rfc'), 'null-deref', 'lock');
  shows(t, oops, [
    'prober: device_create(vfio.device_class, 0, "0000:00:14.2") = 0',
    'prober: mutex_unlock(&vfio.device_lock)',
    'user: path_lookupat("/dev/vfio/devices/0000:00:14.2") = 0',
    'user: refcount_inc_not_zero(&device->refcount) = true',
    'user: device->reflck = {"at":"NULL"}',
    'user: mutex_lock(&NULL->lock)',
  ]);
  t.is(oops.trace?.steps.at(-1)?.functions.at(-1), 'vfio_pci_open');
  const prober = oops.trace?.standing.find(({ thread }) => thread === 'prober');
  t.deepEqual([prober?.next, prober?.held], ['kzalloc(reflck)', ['dev.mutex']]);
});

test('what is set up before the registration is there when the user comes', async (t) => {
  await isClean(t, scenario, 'rfc-register-last');
});

test('the merged design has it so, and refuses a driver that sets drvdata too late', async (t) => {
  await isClean(t, scenario, 'merged');
  const late = findingOf(await isAsExpected(t, scenario, 'merged-late-drvdata'), 'warn', 'vfio_pci_core_register_device');
  shows(t, late, ['prober: dev->driver_data = {"at":"NULL"}', 'prober: WARN_ON(vdev != dev_get_drvdata(dev))']);
});
