import test from 'ava';
import scenario from '../../../scenarios/cdev/bind-two-files.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('of two files of one device one is bound', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('a count as of a group lets the second in to the DMA of the first', async (t) => {
  const both = findingOf(await isAsExpected(t, scenario, 'as-by-group'), 'invariant', 'df');
  shows(t, both, ['a: device->iommufd_device = iommufd_a', 'b: device->open_count = 1', 'b: device->open_count = 2']);
});

test('without the lock of the set both open it as the first', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', { event: 'mutex_lock', in: 'vfio_df_ioctl_bind_iommufd' });
  shows(t, findingOf(undone, 'invariant', 'df', 'who has access has an open device'), [
    'a: device->open_count = 0',
    'b: device->open_count = 0',
  ]);
  t.is(findingOf(undone, 'leak', 'iommu_group.owner_cnt').kind, 'leak');
});
