import test from 'ava';
import scenario from '../../../scenarios/mdev/parent-registered-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('in v4.10 the refusal frees the parent that is registered', async (t) => {
  shows(t, findingOf(await isAsExpected(t, scenario, 'v4.10'), 'use-after-free', 'parent'), [
    'driver: parent->dev = {"at":"dev"}',
    'driver: kref_put(&parent->ref) = true',
    'driver: kfree(parent)',
    'driver: mdev_core.parent_list.next = {"at":"parent"}',
    'driver: parent->dev',
  ]);
});

test('in v5.2 it leaves no trace', async (t) => {
  await isClean(t, scenario, 'v5.2');
});
