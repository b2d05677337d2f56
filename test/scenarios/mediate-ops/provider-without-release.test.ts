import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/provider-without-release.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the second user is given to a provider that is gone', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const gone = findingOf(result, 'use-after-free', 'igd_dt_ops.module');
  shows(t, gone, [
    'user: vdev->mediate_ops = igd_dt_ops',
    'user: igd_dt_ops.release != NULL',
    'user: free_module(&igd_dt_ops.module)',
    'user: igd_dt_ops.rw != NULL',
  ]);
  t.false(linesOf(gone).includes('user: vdev->mediate_ops = NULL'));
});

test('where its module stays he has the handle of the user before', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-unregistered');
  t.is(findingOf(result, 'invariant', 'vdev.chart').fault.prints, null);
});

for (const variant of ['always-cleared', 'held'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('without the line that clears the provider it is there for the next user', async (t) => {
  const undone = await withoutLine(scenario, 'always-cleared', {
    event: 'store',
    in: 'vfio_pci_release',
    c: 'mediate_ops = NULL',
  });
  t.true(undone.findings.length > 0);
});
