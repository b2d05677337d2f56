import test from 'ava';
import minorBeforeDevice from '../../../scenarios/register-rfc/minor-before-device.ts';
import { findingOf } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('without the lock around the look-up of a minor its device can be gone', async (t) => {
  const undone = await withoutLine(minorBeforeDevice, 'rfc', { event: 'mutex_lock', in: 'vfio_device_get_from_minor' });
  t.is(findingOf(undone, 'use-after-free', 'device').kind, 'use-after-free');
});
