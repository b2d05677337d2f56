import test from 'ava';
import scenario from '../../../scenarios/cdev/open-before-registered.ts';
import { findingOf, isAsExpected, isClean, linesOf, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('who finds the node before the registration is told so, and has the device when he tries again', async (t) => {
  await isClean(t, scenario, 'v6.6');
});

test('a reference that is not asked for is taken of a count that has not been started', async (t) => {
  const early = findingOf(await isAsExpected(t, scenario, 'not-asked'), 'refcount', 'device.refcount', 'raised from 0');
  shows(t, early, ['prober: devtmpfs_create_node(&device)', 'user: path_lookupat(the node of device) = "vfio-dev:0"']);
  t.is(linesOf(early).at(-1), 'user: refcount_inc(&device->refcount)');
  t.false(linesOf(early).some((line) => line.includes('refcount_set(&device->refcount')));
  t.is(early.fault.prints, 'refcount_t: addition on 0; use-after-free.');
});

test('without a reference the open counts for nothing, and its close takes that of the registration', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', {
    event: 'refcount_inc_not_zero',
    in: 'vfio_device_fops_cdev_open',
    reply: true,
  });
  t.is(findingOf(undone, 'refcount', 'device.refcount').kind, 'refcount');
  t.is(findingOf(undone, 'invariant', 'device.refcount').kind, 'invariant');
});
