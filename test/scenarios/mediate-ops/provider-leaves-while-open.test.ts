import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/provider-leaves-while-open.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a provider that does not hold itself is unloaded under an open device', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-unpinned');
  shows(t, findingOf(result, 'use-after-free', 'igd_dt_ops.module', 'vfio_pci_rw'), [
    'user: vdev->mediate_ops = igd_dt_ops',
    'admin: list_del(&mentry->next)',
    'admin: kfree(mentry)',
    'admin: free_module(&igd_dt_ops.module)',
    'user: igd_dt_ops.rw != NULL',
  ]);
  shows(t, findingOf(result, 'use-after-free', 'igd_dt_ops.module', 'vfio_pci_release'), [
    'admin: free_module(&igd_dt_ops.module)',
    'user: igd_dt_ops.release != NULL',
  ]);
});

test('one that holds itself can be unloaded between its last put and its return', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-pins-itself');
  shows(t, findingOf(result, 'use-after-free', 'igd_dt_ops.module'), [
    'user: try_module_get(&igd_dt_ops.module) = true',
    'user: module_put(&igd_dt_ops.module)',
    'admin: free_module(&igd_dt_ops.module)',
    'user: return',
  ]);
});

for (const variant of ['rfc-unbound', 'held-without-wait-unbound'])
  test(`in ${variant} the driver frees what the user's read is about to look at`, async (t) => {
    const result = await isAsExpected(t, scenario, variant);
    shows(t, findingOf(result, 'use-after-free', 'state'), [
      'user: vdev->mediate_ops = igd_dt_ops',
      'admin: mutex_unlock(&vfio_pci.mediate_ops_list_lock)',
      'admin: kfree(state)',
      'user: state->dirty_log',
    ]);
  });

for (const variant of ['held-without-wait', 'held', 'held-unbound'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('without the reference to the module it goes under an open device', async (t) => {
  const undone = await withoutLine(scenario, 'held-without-wait', {
    event: 'try_module_get',
    in: 'vfio_pci_open',
    c: 'igd_dt',
    reply: true,
  });
  t.truthy(findingOf(undone, 'use-after-free', 'igd_dt_ops.module'));
});

test('without the wait the unbind does not wait for the user', async (t) => {
  const undone = await withoutLine(scenario, 'held-unbound', {
    event: 'wait_for_completion',
    in: 'vfio_pci_unregister_mediate_ops',
  });
  t.truthy(findingOf(undone, 'use-after-free', 'state'));
});

test('without the reference, and with the wait, nothing is used that is gone, and rmmod is never refused', async (t) => {
  const undone = await withoutLine(
    scenario,
    'held',
    { event: 'try_module_get', in: 'vfio_pci_open', c: 'igd_dt', reply: true },
    { event: 'module_put', in: 'vfio_pci_release', c: 'igd_dt' },
  );
  t.deepEqual(
    undone.findings.map(({ kind, object }) => [kind, object]),
    [['never-reached', 'rmmod is refused']],
  );
});
