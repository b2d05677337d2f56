import test, { type ExecutionContext } from 'ava';
import blockingReset from '../../../scenarios/hot-reset/blocking-reset.ts';
import driverLock from '../../../scenarios/hot-reset/driver-lock-across-remove.ts';
import siblingUnbound from '../../../scenarios/hot-reset/sibling-unbound.ts';
import type { Finding } from '../../../src/index.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

/** Where both stand: the function, and what they wait for. */
const stand = (t: ExecutionContext, { trace }: Finding, where: { readonly [thread: string]: readonly [string, string] }) =>
  t.deepEqual(
    Object.fromEntries((trace?.standing ?? []).map(({ thread, functions, object }) => [thread, [functions.at(-1), object]])),
    where,
  );

test('in v3.17 who closes waits for the lock that remove holds, and remove for him', async (t) => {
  const result = await isAsExpected(t, driverLock, 'v3.17');
  const stuck = findingOf(result, 'deadlock', 'vfio.release_q');
  stand(t, stuck, {
    user: ['vfio_pci_release', 'vfio_pci_c.driver_lock'],
    admin: ['wait_event', 'vfio.release_q'],
  });
  shows(t, stuck, ['admin: device_lock(&pdev->mutex)', 'admin: mutex_lock(&vfio_pci_c.driver_lock)']);
  stand(t, findingOf(result, 'deadlock', 'vfio_pci_c.driver_lock'), {
    user: ['vfio_pci_open', 'vfio_pci_c.driver_lock'],
    admin: ['refcount_dec_and_mutex_lock', 'group.device_lock'],
  });
});

test('in v3.18 remove waits without that lock', async (t) => {
  await isClean(t, driverLock, 'v3.18');
});

test('in both, who looks at a function that is unbound finds no driver data; without the lock, a device that goes', async (t) => {
  const clearedAfter = findingOf(await isAsExpected(t, driverLock, 'v3.17-sibling'), 'null-deref', 'group');
  shows(t, clearedAfter, [
    'admin: sibling_pdev->driver_data = NULL',
    'admin: mutex_unlock(&vfio_pci_c.driver_lock)',
    'user: mutex_lock(&vfio_pci_c.driver_lock)',
    'user: READ_ONCE(sibling_pdev->driver) = {"at":"vfio_pci"}',
  ]);
  const result = await isAsExpected(t, driverLock, 'v3.18-sibling');
  shows(t, findingOf(result, 'use-after-free', 'sibling'), [
    'user: sibling_pdev->driver_data = {"at":"sibling"}',
    'admin: kfree(sibling)',
  ]);
  findingOf(result, 'null-deref', 'group');
  findingOf(result, 'refcount', 'sibling.kref');
});

for (const [variant, closes] of [
  ['v3.13-hot-reset', ['pci_dev_lock', 'pdev.mutex']],
  ['v3.13-reset', ['pci_dev_lock', 'pdev.mutex']],
  ['v3.13-close', ['pci_dev_lock', 'pdev.mutex']],
] as const)
  test(`a reset waits for the lock of the device, and remove with it for who resets: ${variant}`, async (t) => {
    const stuck = findingOf(await isAsExpected(t, blockingReset, variant), 'deadlock', 'vfio.release_q');
    stand(t, stuck, { user: closes, admin: ['wait_event', 'vfio.release_q'] });
    shows(t, stuck, ['admin: device_lock(&pdev->mutex)', 'admin: prepare_to_wait_event(&vfio.release_q)']);
  });

test('in v3.14 a reset tries, and gives up', async (t) => {
  await isClean(t, blockingReset, 'v3.14');
});

test('in v3.14 the reset at the first open still waits', async (t) => {
  const stuck = findingOf(await isAsExpected(t, blockingReset, 'v3.14-open'), 'deadlock', 'pdev.mutex');
  stand(t, stuck, {
    user: ['pci_dev_lock', 'pdev.mutex'],
    admin: ['refcount_dec_and_mutex_lock', 'group.device_lock'],
  });
});

for (const variant of ['v6.6', 'v6.6-open'])
  test(`a set stays as it was found while it is reset: ${variant}`, async (t) => {
    await isClean(t, siblingUnbound, variant);
  });

test('a device that leaves its set without the lock goes while the set is walked and reset', async (t) => {
  const undone = await withoutLine(siblingUnbound, 'v6.6', { event: 'mutex_lock', in: 'vfio_release_device_set' });
  findingOf(undone, 'invariant', 'pdev_a.function', 'what is reset is in the set');
  const freed = findingOf(undone, 'use-after-free', 'vdev_b', 'vfio_pci_zap_and_vma_lock');
  shows(t, freed, ['user: mutex_lock(&dev_set->lock)', 'admin: list_del(&vdev_b->dev_set_list)', 'admin: kfree(vdev_b)']);
});
