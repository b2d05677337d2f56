import test from 'ava';
import scenario from '../../../scenarios/kvm/last-reference.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the close of the device destroys the machine, and tells its own group of that', async (t) => {
  const own = findingOf(await isAsExpected(t, scenario, 'v6.2-rc5'), 'self-deadlock', 'group.group_lock');
  shows(t, own, [
    'user: mutex_lock(&group->group_lock)',
    'vmm: refcount_dec_and_test(&kvm->users_count) = false',
    'user: refcount_dec_and_test(&kvm->users_count) = true',
    'user: list_del(&kvm_device->vm_node)',
    'user: file.private_data = {"at":"group"}',
  ]);
});

for (const name of ['v6.2', 'v6.3'])
  test(`${name}: the group has forgotten the machine before the last reference is put`, async (t) => {
    await isClean(t, scenario, name);
  });

test('a driver that is told by a notifier waits for its own lock', async (t) => {
  const own = findingOf(await isAsExpected(t, scenario, 'v5.11-vfio-ap'), 'self-deadlock', 'matrix_dev.lock');
  shows(t, own, [
    'user: mutex_lock(&matrix_dev.lock)',
    'user: refcount_dec_and_test(&kvm->users_count) = true',
    'user: group->kvm = NULL',
    'user: down_read(&group->notifier_rwsem)',
  ]);
});
