import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/release-keeps-the-count.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('two sessions have counted up, the unregistration counts down once', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  shows(t, findingOf(result, 'use-after-free', 'igd_dt_ops.module'), [
    'user: mentry->refcnt = 0',
    'user: mentry->refcnt = 1',
    'user: mentry->refcnt = 2',
    'user: mentry->refcnt = 1',
    'user: pr_err(igd_dt_ops.name)',
    'user: free_module(&igd_dt_ops.module)',
    'user: igd_dt_ops.open()',
  ]);
});

test('with the forgotten line alone no provider can leave that is not in use, opened before or never', async (t) => {
  const result = await isAsExpected(t, scenario, 'put-at-release');
  shows(t, findingOf(result, 'use-after-free', 'igd_dt_ops.module'), [
    'user: mentry->refcnt = 0',
    'user: mentry->refcnt = -1',
    'user: free_module(&igd_dt_ops.module)',
    'user: igd_dt_ops.open()',
  ]);
});

for (const variant of ['rfc-opened-once', 'counted', 'held'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('without the put at release the count is never right', async (t) => {
  const undone = await withoutLine(scenario, 'counted', { event: 'store', in: 'vfio_pci_release', c: 'mentry->refcnt' });
  t.truthy(findingOf(undone, 'invariant', 'vfio_pci.mediate_ops_list_lock'));
});
