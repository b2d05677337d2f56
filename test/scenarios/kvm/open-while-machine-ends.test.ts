import test from 'ava';
import scenario from '../../../scenarios/kvm/open-while-machine-ends.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the group knows the machine when its count is 0', async (t) => {
  const revived = findingOf(await isAsExpected(t, scenario, 'v6.2-rc5'), 'refcount', 'kvm.users_count');
  shows(t, revived, [
    'vmm: refcount_dec_and_test(&kvm->users_count) = false',
    'vmm: refcount_dec_and_test(&kvm->users_count) = true',
    'user: group->kvm = {"at":"kvm"}',
    'user: refcount_inc(&kvm->users_count)',
  ]);
});

for (const name of ['v6.2', 'v6.3'])
  test(`${name}: while the group knows it, it has a reference, or is asked for one`, async (t) => {
    await isClean(t, scenario, name);
  });
