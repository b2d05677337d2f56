import test from 'ava';
import scenario from '../../../scenarios/group/bind-sibling.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a driver that is bound beside a device in use brings the host down', async (t) => {
  const bug = findingOf(await isAsExpected(t, scenario, 'v3.12-in-use'), 'bug', 'vfio_iommu_group_notifier');
  shows(t, bug, ['admin: sibling_dev->driver = e1000e', 'admin: atomic_read(&group->container_users) = 1']);
  t.true(linesOf(bug).at(-1)?.startsWith('admin: BUG_ON('));
});

test('one that is bound before is let pass, and so is the container', async (t) => {
  const result = await isAsExpected(t, scenario, 'v3.12');
  const shared = findingOf(result, 'invariant', 'dma.of_host');
  t.true(shared.trace?.steps.every(({ splats }) => splats.length === 0));
  const first = findingOf(await isAsExpected(t, scenario, 'v3.12-host-first'), 'invariant', 'dma.of_host');
  shows(t, first, ['user: group->container = container', 'user: dma.to_container = true']);
});

test('of the driver and the container one is refused', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('unless the driver does not ask for the group', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'load',
    in: 'iommu_device_use_default_domain',
    c: 'owner_cnt',
    reply: 0,
  });
  t.true(undone.findings.some(({ kind, object }) => kind === 'invariant' && object.endsWith('dma')));
});
