import test from 'ava';
import scenario from '../../../scenarios/vendor/notifier-refused.ts';
import { findingOf, isAsExpected, isClean } from '../../helpers/scenario.ts';

test('in v11 a device is opened that can never pin', async (t) => {
  const result = await isAsExpected(t, scenario, 'v11');
  t.is(result.findings.length, 1);
  t.regex(findingOf(result, 'end-state', 'mdev.driver_data').message, /who has the device open can pin/);
});

for (const variant of ['v4.10', 'v11-type1'])
  test(`it is refused where it could not, and opened where it can: ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });
