import test from 'ava';
import scenario from '../../../scenarios/migration/regions-per-open.ts';
import { findingOf, isClean } from '../../helpers/scenario.ts';
import { withoutLine } from '../../helpers/undone.ts';

for (const variant of ['rfc', 'held'])
  test(`in ${variant} there is one region, however often the device is opened`, async (t) => {
    const result = await isClean(t, scenario, variant);
    t.true(result.sometimes.every(({ reached }) => reached));
  });

test('a close that does not start from 0 leaves a region that is gone', async (t) => {
  const undone = await withoutLine(scenario, 'rfc', { event: 'store', in: 'vfio_pci_disable', c: 'num_regions' });
  t.truthy(findingOf(undone, 'invariant', 'vdev.num_regions'));
});
