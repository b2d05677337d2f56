import test from 'ava';
import scenario from '../../../scenarios/cdev/cdev-lifecycle.ts';
import { findingOf, isClean } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a file is opened, bound, attached, moved, detached and closed, and leaves nothing', async (t) => {
  await isClean(t, scenario, 'alone');
});

test('the group and a second file are refused while one is bound', async (t) => {
  await isClean(t, scenario, 'beside-others');
});

test('a close that does not detach leaves the device on the page table of somebody who is gone', async (t) => {
  const undone = await withoutLine(scenario, 'alone', {
    event: 'load',
    in: 'vfio_iommufd_physical_unbind',
    c: 'iommufd_attached',
    reply: false,
  });
  t.is(findingOf(undone, 'invariant', 'iommu_group.dma').kind, 'invariant');
});

test('a detach of what is not attached would take it off a list that it is not on', async (t) => {
  const undone = await withoutLine(scenario, 'alone', {
    event: 'load',
    in: 'vfio_iommufd_physical_detach_ioas',
    c: 'iommufd_attached',
    reply: true,
  });
  t.is(findingOf(undone, 'list-corruption', 'device.group_item').kind, 'list-corruption');
});

test('two who share a file attach and detach one after the other', async (t) => {
  await isClean(t, scenario, 'shared');
});

for (const call of ['vfio_df_ioctl_attach_pt', 'vfio_df_ioctl_detach_pt'])
  test(`without the lock of the set in ${call}() a page table is put once too often`, async (t) => {
    const undone = await withoutLine(scenario, 'shared', { event: 'mutex_lock', in: call });
    t.is(findingOf(undone, 'refcount', 'pt_b.users').kind, 'refcount');
    t.is(findingOf(undone, 'list-corruption', 'device.group_item').kind, 'list-corruption');
  });
