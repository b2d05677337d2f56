import test from 'ava';
import scenario from '../../../scenarios/cdev/bind-or-group.ts';
import { findingOf, isClean } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['v6.6', 'v6.6-closed'])
  test(`in ${variant} a bind and the open of the group exclude each other`, async (t) => {
    await isClean(t, scenario, variant);
  });

const cntUnasked = { event: 'load', in: 'vfio_group_fops_open', c: 'cdev_device_open_cnt', reply: 0 } as const;
const fileUnasked = { event: 'load', in: 'vfio_device_block_group', c: 'opened_file', reply: { at: 'NULL' } } as const;

for (const [what, line] of [
  ['the group does not ask for bound files', cntUnasked],
  ['the bind does not ask for the file of the group', fileUnasked],
  ['the bind does not take the lock of the group', { event: 'mutex_lock', in: 'vfio_device_block_group' }],
  ['the group does not take its lock', { event: 'mutex_lock', in: 'vfio_group_fops_open' }],
] as const)
  test(`where ${what} both are let in`, async (t) => {
    const undone = await withoutLine(scenario, 'v6.6', line);
    const both = findingOf(undone, 'invariant', 'group.opened_file');
    t.true(both.message.includes('the group is open by its own file or by cdevs'));
  });

test('whoever is let in all the same, the DMA has one owner', async (t) => {
  for (const line of [cntUnasked, fileUnasked]) {
    const undone = await withoutLine(scenario, 'v6.6-closed', line);
    const said = [...undone.findings, ...undone.consequences].map(({ message }) => message);
    t.true(said.some((message) => message.includes('a group that is open gets its container')));
    t.false(said.some((message) => message.includes('has one owner at a time')));
  }
});
