import test from 'ava';
import scenario from '../../../scenarios/vendor/pins-need-notice.ts';
import { isAsExpected, isClean } from '../../helpers/scenario.ts';

test('a driver that is told of unmaps can pin: only the order of the locks is wrong', async (t) => {
  const { findings } = await isAsExpected(t, scenario, 'v6.1');
  t.deepEqual(
    findings.map(({ kind }) => kind),
    ['lock-order'],
  );
});

for (const variant of ['v11', 'v4.10', 'v4.19'])
  test(`a driver with a notifier pins until its device is closed: ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

for (const variant of ['v11-not-told', 'v6.1-not-told'])
  test(`a driver that is not told has every pin refused: ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('a driver that never pins needs no notifier', async (t) => {
  await isClean(t, scenario, 'v11-mtty');
});
