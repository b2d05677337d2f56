import test from 'ava';
import scenario from '../../../scenarios/vendor/told-outside-open.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('the driver is told of an unmap before its open, and after its release', async (t) => {
  const result = await isAsExpected(t, scenario, 'v11');
  shows(t, findingOf(result, 'null-deref', 'cache_lock'), [
    'user: notifier_chain_register(&iommu->notifier_head, mdev.nb) = 0',
    'unmapper: mdev->driver_data = {"at":"NULL"}',
    'unmapper: mutex_lock(&NULL->cache_lock)',
  ]);
  shows(t, findingOf(result, 'use-after-free', 'session'), [
    'user: kfree(session)',
    'unmapper: mdev->driver_data = {"at":"session@user"}',
    'unmapper: mutex_lock(&session->cache_lock)',
  ]);
});

test('one that registers itself is told while it is open, and never else', async (t) => {
  await isClean(t, scenario, 'v4.10');
});

test('it is clean because the driver unregisters before its memory goes', async (t) => {
  const undone = await withoutLine(scenario, 'v4.10', {
    event: 'notifier_chain_unregister',
    in: 'vfio_unregister_iommu_notifier',
    reply: 0,
  });
  t.is(findingOf(undone, 'use-after-free', 'session').kind, 'use-after-free');
});
