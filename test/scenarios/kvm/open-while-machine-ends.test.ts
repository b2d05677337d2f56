import test from 'ava';
import scenario from '../../../scenarios/kvm/open-while-machine-ends.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the group knows the machine when its count is 0', async (t) => {
  const revived = findingOf(await isAsExpected(t, scenario, 'v6.2-rc5'), 'refcount', 'kvm.users_count');
  shows(t, revived, [
    'vmm: refcount_dec_and_test(&kvm->users_count) = false',
    'vmm: refcount_dec_and_test(&kvm->users_count) = true',
    'user: group->kvm = {"at":"kvm"}',
    'user: refcount_inc(&kvm->users_count)',
  ]);
});

for (const name of ['v6.2', 'v6.3', 'v6.3-with-machine'])
  test(`${name}: while the group knows it, it has a reference, or is asked for one`, async (t) => {
    await isClean(t, scenario, name);
  });

test('with the machine, and not asked, the count is raised again from 0', async (t) => {
  const undone = await withoutLine(scenario, 'v6.3-with-machine', {
    event: 'refcount_inc_not_zero',
    in: '_vfio_device_get_kvm_safe',
    reply: true,
  });
  t.is(findingOf(undone, 'refcount', 'kvm.users_count').kind, 'refcount');
});
