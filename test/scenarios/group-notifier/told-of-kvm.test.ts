import test from 'ava';
import scenario from '../../../scenarios/group-notifier/told-of-kvm.ts';
import { isClean } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const name of Object.keys(scenario.variants))
  test(`${name}: each wrong order is refused, and nothing is left`, async (t) => {
    await isClean(t, scenario, name);
  });

test('a notifier that is left on the chain by a close is seen', async (t) => {
  const undone = await withoutLine(scenario, 'v4.19-after-kvm-user-first', {
    event: 'notifier_chain_unregister',
    in: 'vfio_unregister_group_notifier',
    reply: 0,
  });
  t.true(undone.findings.some(({ message }) => message.includes('no notifier of a closed device is on a chain')));
});
