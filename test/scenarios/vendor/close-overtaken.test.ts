import test from 'ava';
import scenario from '../../../scenarios/vendor/close-overtaken.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('the close goes on while the work item is at the release, and takes the back end from under it', async (t) => {
  const result = await isAsExpected(t, scenario, 'v4.19');
  shows(t, findingOf(result, 'warn', 'vfio_sanity_check_pfn_list'), [
    'kworker: atomic_cmpxchg(&vgpu->released, 0, 1) = 0',
    'user: atomic_cmpxchg(&vgpu->released, 0, 1) = 1',
    'user: list_empty(&dma->pfn_list) = false',
  ]);
  shows(t, findingOf(result, 'warn', '__intel_vgpu_release'), [
    'user: atomic_dec_if_positive(&group->container_users) = 0',
    'kworker: WARN("vfio_unregister_notifier for iommu failed: -22")',
  ]);
});

test('a release that holds the group until it has ended keeps the container', async (t) => {
  await isClean(t, scenario, 'v5.10');
});

test('a close that flushes the work item leaves nothing behind', async (t) => {
  await isClean(t, scenario, 'flushes-work');
});
