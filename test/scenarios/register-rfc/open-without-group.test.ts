import test from 'ava';
import scenario from '../../../scenarios/register-rfc/open-without-group.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('a device without a group is opened whatever becomes of the groups there are', async (t) => {
  await isClean(t, scenario, 'rfc');
});

test('who trusts the pointer follows NULL', async (t) => {
  const result = await isAsExpected(t, scenario, 'pointer-trusted');
  shows(t, findingOf(result, 'null-deref', 'kref', 'vfio_group_try_get'), [
    'user: device->group = {"at":"NULL"}',
    'user: kref_get(&NULL->kref)',
  ]);
});

test('who walks without the lock goes on from a group that is gone', async (t) => {
  const result = await isAsExpected(t, scenario, 'walk-without-lock');
  shows(t, findingOf(result, 'use-after-free', 'group'), [
    'user: vfio.group_list.next = {"at":"group"}',
    'admin: list_del(&group->vfio_next)',
    'admin: kfree(group)',
    'user: group->vfio_next.next',
  ]);
  shows(t, findingOf(result, 'list-corruption', 'group.vfio_next'), [
    'user: vfio.group_list.next = {"at":"group"}',
    'admin: list_del(&group->vfio_next)',
    'user: group->vfio_next.next = {"at":"NULL"}',
  ]);
});
