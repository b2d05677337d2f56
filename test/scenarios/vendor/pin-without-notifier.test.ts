import test from 'ava';
import scenario from '../../../scenarios/vendor/pin-without-notifier.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the notifier goes between the look for it and the pin', async (t) => {
  const result = await isAsExpected(t, scenario, 'v4.19');
  shows(t, findingOf(result, 'invariant', 'iommu.notifier_head'), [
    'vcpu: mutex_lock(&iommu->lock)',
    'vcpu: iommu->notifier_head = {"at":"vgpu.iommu_notifier"}',
    'closer: notifier_chain_unregister(&iommu->notifier_head, vgpu.iommu_notifier) = 0',
  ]);
  shows(t, findingOf(result, 'bug', 'vfio_dma_do_unmap'), [
    'vcpu: iommu->notifier_head = {"at":"vgpu.iommu_notifier"}',
    'closer: notifier_chain_unregister(&iommu->notifier_head, vgpu.iommu_notifier) = 0',
    'unmapper: iommu->notifier_head.head = {"at":"NULL"}',
    'unmapper: BUG_ON(++retries > 10)',
  ]);
});

test('the chain under the lock of the container: the look holds, what was pinned stays, and two locks cross', async (t) => {
  await isAsExpected(t, scenario, 'chain-under-lock');
});

test('with no pin to come and none left when the notifier goes, nothing is wrong', async (t) => {
  await isClean(t, scenario, 'unpin-first');
});

test('it is clean because the close waits for the vCPU that pins', async (t) => {
  const undone = await withoutLine(scenario, 'unpin-first', { event: 'wait_for_gp', in: 'kvm_page_track_unregister_notifier' });
  t.is(findingOf(undone, 'invariant', 'iommu.notifier_head').kind, 'invariant');
  t.is(findingOf(undone, 'bug', 'vfio_dma_do_unmap').kind, 'bug');
});
