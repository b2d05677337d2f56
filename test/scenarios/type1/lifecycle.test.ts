import test from 'ava';
import both from '../../../scenarios/type1/both.ts';
import directOnly from '../../../scenarios/type1/direct-only.ts';
import hotplugDirect from '../../../scenarios/type1/hotplug-direct.ts';
import hotplugMediated from '../../../scenarios/type1/hotplug-mediated.ts';
import mediatedOnly from '../../../scenarios/type1/mediated-only.ts';
import { findingOf, isClean } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const scenario of [directOnly, mediatedOnly, both, hotplugDirect, hotplugMediated])
  test(`${scenario.name} goes through, with all books right whenever nobody changes them`, async (t) => {
    const { sometimes } = await isClean(t, scenario, 'v4.19');
    t.true(sometimes.length > 0 && sometimes.every(({ reached }) => reached));
  });

test('where an unplug does not take the charge back, the laws say so', async (t) => {
  const undone = await withoutLine(hotplugDirect, 'v4.19', { event: 'store', in: 'vfio_lock_acct', c: 'locked_vm' });
  t.true(findingOf(undone, 'invariant', 'dma').message.includes('locked_vm is what is pinned'));
});

test('where a page is not put when a driver unpins it, the laws say so', async (t) => {
  const undone = await withoutLine(mediatedOnly, 'v4.19', {
    event: 'atomic_dec_and_test',
    in: 'put_page',
    c: '_refcount',
    reply: false,
  });
  t.true(undone.findings.some(({ message }) => message.includes('each page is held as often as it is used')));
});
