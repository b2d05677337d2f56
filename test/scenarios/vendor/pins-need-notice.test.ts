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

test('a driver that is not told has every pin refused', async (t) => {
  await isClean(t, scenario, 'v6.1-not-told');
});
