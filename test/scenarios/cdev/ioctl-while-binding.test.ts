import test from 'ava';
import scenario from '../../../scenarios/cdev/ioctl-while-binding.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';

for (const variant of ['v6.6', 'v6.6-closed'])
  test(`in ${variant} a call gets nowhere before the bind, and no data race is left`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('access that is granted before the open leads to a device that is not open', async (t) => {
  const early = findingOf(await isAsExpected(t, scenario, 'granted-first'), 'invariant', 'df');
  t.is(linesOf(early).at(-1), 'binder: smp_store_release(&df->access_granted, true)');
  t.false(linesOf(early).includes('binder: device->open_count = 1'));
});

test('a plain flag orders nothing: neither itself nor what the driver wrote', async (t) => {
  const result = await isAsExpected(t, scenario, 'granted-plainly');
  shows(t, findingOf(result, 'data-race', 'df.access_granted'), [
    'user: df->access_granted = false',
    'binder: df->access_granted = true',
  ]);
  shows(t, findingOf(result, 'data-race', 'pdev.enabled'), [
    'binder: pdev.enabled = true',
    'binder: df->access_granted = true',
    'user: df->access_granted = true',
    'user: pdev.enabled = true',
  ]);
});
