import test from 'ava';
import scenario from '../../../scenarios/cdev/host-driver-or-user.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['v6.6-container', 'v6.6-iommufd'])
  test(`in ${variant} user space and the driver of the host are not both let in`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('a driver for which nobody claims does DMA beside a container', async (t) => {
  const both = findingOf(await isAsExpected(t, scenario, 'not-asked'), 'invariant', 'dma.of_host');
  shows(t, both, ['admin: dma.of_host = true', 'user: iommu_group->owner_cnt = 0', 'user: dma.to_container = true']);
});

for (const [variant, event, claim] of [
  ['v6.6-container', 'mutex_lock', 'iommu_device_use_default_domain'],
  ['v6.6-container', 'mutex_lock', 'iommu_group_claim_dma_owner'],
  ['v6.6-iommufd', 'mutex_lock', 'iommu_device_claim_dma_owner'],
] as const)
  test(`without the lock of the IOMMU group in ${claim}() both find it free`, async (t) => {
    const undone = await withoutLine(scenario, variant, { event, in: claim });
    shows(t, findingOf(undone, 'invariant', 'iommu_group.dma', 'one owner at a time'), ['user: iommu_group->owner_cnt = 0']);
    shows(t, findingOf(undone, 'invariant', 'iommu_group.dma', 'one owner at a time'), ['admin: iommu_group->owner_cnt = 0']);
  });

for (const [variant, claim] of [
  ['v6.6-container', 'iommu_group_claim_dma_owner'],
  ['v6.6-iommufd', 'iommu_device_claim_dma_owner'],
] as const)
  test(`a claim by ${claim}() that does not ask for an owner makes two`, async (t) => {
    const undone = await withoutLine(scenario, variant, { event: 'load', in: claim, c: 'owner_cnt', reply: 0 });
    t.is(findingOf(undone, 'invariant', 'iommu_group.dma', 'one owner at a time').kind, 'invariant');
    t.is(findingOf(undone, 'invariant', 'dma.of_host').kind, 'invariant');
  });
