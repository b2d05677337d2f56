import test from 'ava';
import scenario from '../../../scenarios/register-rfc/double-registration.ts';
import { findingOf, isAsExpected, linesOf, shows } from '../../helpers/scenario.ts';

test('of a node the second call wipes the minor, is refused, and the unbind leaves number and node behind', async (t) => {
  const opened = findingOf(await isAsExpected(t, scenario, 'rfc-node'), 'use-after-free', 'device', 'vfio_device_get_from_minor');
  shows(t, opened, [
    'admin: device->minor = 0',
    'admin: list_add(&device->vfio_next, &vfio.device_list)',
    'admin: device->minor = -1',
    'admin: vfio.device_list.next = {"at":"device"}',
    'admin: device->minor = -1',
    'admin: kfree(device)',
    'user: refcount_inc_not_zero(&device->refcount)',
  ]);
  // Neither is taken back, and nothing has warned.
  const lines = linesOf(opened);
  t.false(lines.some((line) => /idr_remove|device_destroy|list_del/.test(line)));
  t.deepEqual(
    opened.trace?.steps.slice(0, -1).flatMap(({ splats }) => splats),
    [],
  );
});

test('and the next device that is bound walks over the entry that is left', async (t) => {
  const walked = findingOf(
    await isAsExpected(t, scenario, 'rfc-node'),
    'use-after-free',
    'device',
    '__vfio_register_nongroup_dev',
  );
  shows(t, walked, ['admin: kfree(device)', 'admin: vfio.device_list.next = {"at":"device"}', 'admin: device->vfio_next.next']);
  t.is(walked.preemptions, 0);
  t.deepEqual(walked.threads, ['admin']);
});

test('of a group the second call wipes the group, and the warning comes too late', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc-group');
  const warned = findingOf(result, 'warn', '__vfio_register_group_dev');
  shows(t, warned, [
    'admin: device->group = group',
    'admin: list_add(&device->group_next, &group->device_list)',
    'admin: device->group = NULL',
    'admin: refcount_inc_not_zero(&device->refcount) = true',
    'admin: WARN("Device already exists on group")',
  ]);
  const found = findingOf(result, 'use-after-free', 'device', 'vfio_device_get_from_name');
  shows(t, found, [
    'admin: WARN("Device already exists on group")',
    'admin: device->group = {"at":"NULL"}',
    'admin: kfree(device)',
  ]);
  t.false(linesOf(found).some((line) => line.includes('list_del(&device->group_next)')));
});

test('the merged design refuses the second call with a warning, before it has written anything, and nothing comes of it', async (t) => {
  const result = await isAsExpected(t, scenario, 'merged');
  t.deepEqual(
    result.findings.map(({ kind, object }) => `${kind} ${object}`),
    ['warn vfio_group_find_or_alloc'],
  );
  t.deepEqual(result.consequences, []);
  const [warned] = result.findings;
  const lines = warned === undefined ? [] : linesOf(warned);
  const second = lines.findLastIndex((line) => line.includes('dev->iommu_group'));
  t.deepEqual(lines.slice(second), [
    'admin: dev->iommu_group = {"at":"iommu_group"}',
    'admin: kref_get(&iommu_group->devices_kobj)',
    'admin: mutex_lock(&vfio.group_lock)',
    'admin: vfio.group_list.next = {"at":"group"}',
    'admin: group->iommu_group = {"at":"iommu_group"}',
    'admin: mutex_lock(&group->device_lock)',
    'admin: group->device_list.next = {"at":"device@admin"}',
    'admin: device->dev = {"at":"dev"}',
    'admin: mutex_unlock(&group->device_lock)',
    'admin: WARN_ON(vfio_group_has_device(group, dev))',
  ]);
});
