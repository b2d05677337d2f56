import test from 'ava';
import scenario from '../../../scenarios/register-rfc/node-name-collision.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the second device of a name is refused by sysfs, whichever comes second', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const taken = findingOf(result, 'warn', 'vfio.device_class');
  shows(t, taken, [
    'platform: device_create(vfio.device_class, 0, "fe000000.dma-controller") = 0',
    'platform: mutex_unlock(&vfio.device_lock)',
    'amba: idr_alloc(&vfio.device_idr, amba_device, 0, 1048576) = 1',
    'amba: device_create(vfio.device_class, 1, "fe000000.dma-controller") = -17',
  ]);
  t.is(taken.fault.prints, "sysfs: cannot create duplicate filename '/devices/virtual/vfio-device/fe000000.dma-controller'");
  t.is(taken.preemptions, 0);
  findingOf(result, 'end-state', 'vfio.device_class');
});

test('numbers do not collide', async (t) => {
  await isClean(t, scenario, 'merged');
});
