import test from 'ava';
import scenario from '../../../scenarios/type1/unmap-notice-deadlock.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('two unmaps of pinned memory wait for each other', async (t) => {
  const result = await isAsExpected(t, scenario, 'v6.1');
  shows(t, findingOf(result, 'deadlock', 'iommu.lock'), [
    'first: mutex_lock(&iommu->device_list_lock)',
    'first: mutex_unlock(&iommu->lock)',
    'first: mutex_lock(&vgpu->cache_lock)',
    'second: mutex_lock(&iommu->lock)',
  ]);
  t.regex(findingOf(result, 'lock-order', 'iommu.device_list_lock').message, /both orders/);
});

test('an unmap of pinned memory and the open of another device wait for each other', async (t) => {
  const result = await isAsExpected(t, scenario, 'v6.1-open');
  shows(t, findingOf(result, 'deadlock', 'iommu.lock'), [
    'first: mutex_lock(&iommu->device_list_lock)',
    'second: mutex_lock(&other_group->group_lock)',
    'second: mutex_lock(&iommu->lock)',
  ]);
});

test('behind a lock of user space only the lock validator notices', async (t) => {
  const { findings } = await isAsExpected(t, scenario, 'v6.1-serialised');
  t.deepEqual(
    findings.map(({ kind }) => kind),
    ['lock-order'],
  );
});

for (const variant of ['proposed', 'proposed-open'])
  test(`with device_list_lock outside nobody waits for ever: ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('the proposal is clean because iommu->lock is let go before device_list_lock is taken', async (t) => {
  const undone = await withoutLine(scenario, 'proposed', {
    event: 'mutex_unlock',
    in: 'vfio_notify_dma_unmap',
    c: 'iommu->lock',
  });
  t.is(findingOf(undone, 'self-deadlock', 'iommu.lock').kind, 'self-deadlock');
});
