import test from 'ava';
import scenario from '../../../scenarios/external-user/external-user-protocol.ts';
import { isClean } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['v3.12', 'v4.13', 'v3.12-refusals'])
  test(`nothing is wrong with ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });

test('an external user that is not counted loses the container with the last file of user space', async (t) => {
  const undone = await withoutLine(scenario, 'v3.12', {
    event: 'atomic_inc_not_zero',
    in: 'vfio_group_get_external_user',
    reply: true,
  });
  t.true(undone.findings.some(({ message }) => message.includes('a LIOBN that is linked has its IOMMU')));
});
