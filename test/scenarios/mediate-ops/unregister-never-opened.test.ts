import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/unregister-never-opened.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the entry of a provider that never had a device outlives its module', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const gone = findingOf(result, 'use-after-free', 'igd_dt_ops.module');
  shows(t, gone, [
    'admin: mentry->refcnt = 0',
    'admin: mentry->refcnt = -1',
    'admin: pr_err(igd_dt_ops.name)',
    'admin: free_module(&igd_dt_ops.module)',
    'admin: igd_dt_ops.open()',
  ]);
  t.is(gone.preemptions, 0);
  t.is(gone.fault.prints, 'BUG: unable to handle page fault in vfio_pci_open');
  // The next first open, of whatever device, waits for the lock of the list.
  const hangs = findingOf(result, 'deadlock', 'vfio_pci.mediate_ops_list_lock');
  t.deepEqual(
    hangs.trace?.standing.filter(({ thread }) => thread === 'user').map(({ object }) => object),
    ['vfio_pci.mediate_ops_list_lock'],
  );
});

for (const variant of ['counted', 'held'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('without the 1 with which the count begins the entry stays', async (t) => {
  const undone = await withoutLine(scenario, 'counted', {
    event: 'store',
    in: 'vfio_pci_register_mediate_ops',
    c: 'refcnt',
  });
  t.truthy(findingOf(undone, 'use-after-free', 'igd_dt_ops.module'));
});
