import test from 'ava';
import scenario from '../../../scenarios/external-user/group-opened-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the close of one process takes the container from under the external user of another', async (t) => {
  const lost = findingOf(await isAsExpected(t, scenario, 'without-limit'), 'invariant', 'group.container');
  shows(t, lost, [
    'other: group->container = {"at":"NULL"}',
    'vmm: group->container = container',
    'vmm: atomic_inc_not_zero(&group->container_users) = true',
    'vmm: atomic_dec_if_positive(&group->container_users) = 1',
    'other: atomic_dec_if_positive(&group->container_users) = 0',
    'other: group->container = NULL',
  ]);
});

test('a group that is open is not opened again', async (t) => {
  await isClean(t, scenario, 'v3.12');
});

test('unless nobody asks whether it is', async (t) => {
  const undone = await withoutLine(scenario, 'v3.12', { event: 'atomic_cmpxchg', in: 'vfio_group_fops_open', reply: 0 });
  t.true(undone.findings.some(({ kind, object }) => kind === 'invariant' && object.startsWith('group')));
});
