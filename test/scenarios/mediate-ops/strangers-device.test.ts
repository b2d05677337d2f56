import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/strangers-device.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the provider holds itself for a function that it refuses', async (t) => {
  const result = await isAsExpected(t, scenario, 'other-function');
  shows(t, findingOf(result, 'leak', 'i40e_ops.module'), ['user: try_module_get(&i40e_ops.module) = true']);
});

test('it follows the pointer to a physical function that is none', async (t) => {
  const result = await isAsExpected(t, scenario, 'no-function');
  shows(t, findingOf(result, 'null-deref', 'driver_data'), [
    'user: mutex_lock(&vfio_pci.mediate_ops_list_lock)',
    'user: pdev->physfn = {"at":"NULL"}',
  ]);
});

test('nothing is wrong where the open gives back what it took', async (t) => {
  await isClean(t, scenario, 'put-when-refused');
});
