import test from 'ava';
import scenario from '../../../scenarios/mdev/slots-of-a-parent.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('in v6.1 a slot is lost with each device for which there is no memory', async (t) => {
  shows(t, findingOf(await isAsExpected(t, scenario, 'v6.1'), 'leak', 'parent.available_instances'), [
    'admin: atomic_dec(&parent->available_instances)',
    'admin: the memory of an mdev: no memory',
    'admin: mutex_unlock(&mdev_core.mdev_list_lock)',
  ]);
});

test('given back, it is there for the next', async (t) => {
  await isClean(t, scenario, 'v6.1-given-back');
});
