import test from 'ava';
import scenario from '../../../scenarios/cdev/bind-twice-one-file.ts';
import { findingOf, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('of two binds of one file one is granted, and the group is blocked once', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('without the lock of the set both find that access was not granted', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', { event: 'mutex_lock', in: 'vfio_df_ioctl_bind_iommufd' });
  const lost = findingOf(undone, 'null-deref', 'f_count', 'vfio_df_unbind_iommufd');
  shows(t, lost, ['a: df->access_granted = false', 'b: df->access_granted = false']);
  t.is(findingOf(undone, 'invariant', 'df', 'who has access has an open device').kind, 'invariant');
});

test('were access_granted not asked, the second bind would fail at the open, and take the iommufd of the first with it', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'load',
    in: 'vfio_df_ioctl_bind_iommufd',
    c: 'access_granted',
    reply: false,
  });
  shows(t, findingOf(undone, 'null-deref', 'f_count', 'vfio_df_unbind_iommufd'), [
    'a: smp_store_release(&df->access_granted, true)',
    'b: df->iommufd = iommufd_b',
    'b: device->open_count = 1',
    'b: df->iommufd = NULL',
    'b: df->iommufd = {"at":"NULL"}',
    'b: WARN_ON(!group->container)',
    'b: fput(&NULL->f_count)',
  ]);
});

test('without the lock of the group one of two counts of it is lost', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', { event: 'mutex_lock', in: 'vfio_device_block_group' });
  shows(t, findingOf(undone, 'invariant', 'device.cdev_opened', 'the group is blocked for each device'), [
    'a: group->cdev_device_open_cnt = 0',
    'b: group->cdev_device_open_cnt = 0',
    'b: group->cdev_device_open_cnt = 1',
    'a: group->cdev_device_open_cnt = 1',
    'a: group->cdev_device_open_cnt = 0',
  ]);
});
