import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/stale-ret.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a failed open counts, and the device is never disabled', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const leaked = findingOf(result, 'leak', 'vdev');
  shows(t, leaked, [
    'user: atomic_inc_return(&pdev->enable_cnt) = 1',
    'user: igd_dt_ops.open()',
    'user: module_put(&igd_dt_ops.module)',
    'user: vdev->refcnt = 1',
    'user: module_put(&vfio_pci.module)',
    'user: vdev->refcnt = 2',
    'user: vdev->refcnt = 1',
  ]);
  t.is(leaked.fault.prints, null);
  t.false(leaked.trace?.steps.some(({ c }) => c.includes('atomic_dec_return')));
  t.truthy(findingOf(result, 'end-state', 'pdev.enable_cnt'));
});

for (const variant of ['own-ret', 'held'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });
