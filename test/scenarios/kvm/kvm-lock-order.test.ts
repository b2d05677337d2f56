import test from 'ava';
import scenario from '../../../scenarios/kvm/kvm-lock-order.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('who opens the device has the group, who closes KVM has the machine', async (t) => {
  const result = await isAsExpected(t, scenario, 'v6.2');
  shows(t, findingOf(result, 'deadlock', 'kvm.lock'), [
    'user: mutex_lock(&group->group_lock)',
    'user: mutex_lock(&dev_set->lock)',
    'machine: mutex_lock(&kvm->lock)',
  ]);
  t.regex(findingOf(result, 'lock-order', 'kvm.lock').message, /in both orders: confirmed, see deadlock-/);
});

test('the pointer has a lock of its own', async (t) => {
  await isClean(t, scenario, 'v6.3');
});

test('without that lock the machine is gone between the look at it and the reference', async (t) => {
  const undone = await withoutLine(scenario, 'v6.3', { event: 'spin_lock', in: 'vfio_device_group_get_kvm_safe' });
  t.is(findingOf(undone, 'use-after-free', 'kvm').kind, 'use-after-free');
});
