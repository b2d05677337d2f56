import test from 'ava';
import scenario from '../../../scenarios/kvm/let-go-of-nonviable.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the device has its driver still, and is on the list of the group no more', async (t) => {
  const kept = findingOf(await isAsExpected(t, scenario, 'v3.13'), 'end-state', 'group.container_users');
  shows(t, kept, [
    'admin: list_del(&sibling_device->group_next)',
    'vmm: atomic_inc_not_zero(&group->container_users) = true',
    'vmm: READ_ONCE(sibling->driver) = {"at":"driver"}',
    'vmm: atomic_dec(&group->container_users)',
  ]);
});

test('its driver is looked at before the unbind, and the unbound list after it', async (t) => {
  const kept = findingOf(await isAsExpected(t, scenario, 'v4.0'), 'end-state', 'group.container_users');
  shows(t, kept, [
    'vmm: READ_ONCE(sibling->driver) = {"at":"driver"}',
    'admin: sibling->driver = NULL',
    'admin: list_del(&unbound->unbound_next)',
    'vmm: mutex_lock(&group->unbound_lock)',
    'vmm: atomic_dec(&group->container_users)',
  ]);
});

test('a file is compared with those of KVM, whatever the group is like', async (t) => {
  await isClean(t, scenario, 'v4.13');
});
