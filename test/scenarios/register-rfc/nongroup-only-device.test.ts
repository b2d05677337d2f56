import test from 'ava';
import scenario from '../../../scenarios/register-rfc/nongroup-only-device.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a device without a group is in use while its IOMMU group is attached to the container of another user', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  const owners = findingOf(result, 'invariant', 'dma.of_user');
  shows(t, owners, [
    'node_user: first->group = {"at":"NULL"}',
    'node_user: atomic_cmpxchg(&first->opened, 0, 1) = 0',
    'node_user: dma.of_user = true',
    'group_user: group->opened = 0',
    'group_user: group->container = container',
    'group_user: container->iommu_driver = type1',
  ]);
  // Nobody has asked the group of the first whether it is open: it has none.
  t.false(owners.trace?.steps.some(({ thread, object }) => thread === 'node_user' && object === 'group.opened_lock'));
  t.is(owners.preemptions, 0);
  t.is(owners.fault.prints, null);
});

test('a driver of VFIO that joins no group is a stranger to the group that is in use, and a BUG', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-bound-later');
  shows(t, findingOf(result, 'bug', 'vfio_iommu_group_notifier'), [
    'admin: list_add(&first->vfio_next, &vfio.device_list)',
    'admin: atomic_read(&group->container_users) = 1',
    'admin: READ_ONCE(first_dev->driver) = {"at":"vfio_pci"}',
    'admin: second->group_next.next = {"at":"NULL"}',
    'admin: BUG_ON(vfio_group_nb_verify(group, dev))',
  ]);
});

test('with both interfaces the one who comes second is told -EBUSY', async (t) => {
  await isClean(t, scenario, 'rfc-both');
});

test('in the merged design a bound node and an open group exclude each other', async (t) => {
  const result = await isClean(t, scenario, 'merged');
  t.is(result.sometimes.filter(({ reached }) => reached).length, 4);
});
