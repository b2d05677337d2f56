import test from 'ava';
import scenario from '../../../scenarios/kvm/add-against-del.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

test('up to v5.18 the group can be gone', async (t) => {
  const stale = findingOf(await isAsExpected(t, scenario, 'v4.19'), 'use-after-free', 'group', 'vfio_group_set_kvm');
  shows(t, stale, [
    'adder: list_add_tail(&kvg->node, &kv->group_list)',
    'adder: mutex_unlock(&kv->lock)',
    'deleter: list_del(&kvg->node)',
    'deleter: kfree(kvg)',
    'deleter: list_del(&device->group_next)',
    'deleter: kfree(group)',
  ]);
});

test('from v5.19 on the entry is', async (t) => {
  const stale = findingOf(await isAsExpected(t, scenario, 'v6.2'), 'use-after-free', 'kvg');
  shows(t, stale, ['adder: mutex_unlock(&kv->lock)', 'deleter: list_del(&kvg->node)', 'deleter: kfree(kvg)']);
  t.is(stale.preemptions, 1);
});

for (const name of ['v5.15.y', 'v6.6'])
  test(`${name}: who deletes comes after the group was told`, async (t) => {
    await isClean(t, scenario, name);
  });

test('without the lock of the ADD the entry is gone again', async (t) => {
  const undone = await withoutLine(scenario, 'v6.6', { event: 'mutex_lock', in: 'kvm_vfio_file_add' });
  t.is(findingOf(undone, 'use-after-free', 'kvg').kind, 'use-after-free');
});
