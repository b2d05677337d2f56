import test from 'ava';
import scenario from '../../../scenarios/group/unbound-list.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('a device that is not known any more, and still has its driver, looks like one of the host', async (t) => {
  const refused = findingOf(await isAsExpected(t, scenario, 'v3.12'), 'invariant', 'dev.driver');
  shows(t, refused, ['admin: list_del(&device->group_next)', 'user: READ_ONCE(dev->driver) = {"at":"vfio_pci"}']);
  await isAsExpected(t, scenario, 'v3.12-external-user');
});

test('the list is looked at too early to be of use to everybody', async (t) => {
  const refused = findingOf(await isAsExpected(t, scenario, 'v5.14'), 'invariant', 'dev.driver');
  shows(t, refused, [
    'user: READ_ONCE(dev->driver) = {"at":"vfio_pci"}',
    'user: group->unbound_list.next = {"at":"NULL"}',
    'admin: list_add(&unbound->unbound_next, &group->unbound_list)',
  ]);
});

test('asked in the order of its leaving the device is always somewhere', async (t) => {
  await isClean(t, scenario, 'v5.14-in-order');
});

test('but not without the list', async (t) => {
  const undone = await withoutLine(scenario, 'v5.14-in-order', { event: 'list_add', in: 'vfio_unregister_device' });
  t.true(undone.findings.some(({ kind, object }) => kind === 'invariant' && object === 'dev.driver'));
});

test('with DMA ownership nobody looks at drivers', async (t) => {
  await isClean(t, scenario, 'v6.6');
});
