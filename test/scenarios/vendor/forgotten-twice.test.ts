import test from 'ava';
import scenario from '../../../scenarios/vendor/forgotten-twice.ts';
import { findingOf, isAsExpected, isClean, linesOf } from '../../helpers/scenario.ts';

test('the second close takes off the list what the first has taken off', async (t) => {
  const twice = findingOf(await isAsExpected(t, scenario, 'v6.1-rc'), 'list-corruption', 'vgpu.iommu_entry');
  t.is(linesOf(twice).filter((line) => line === 'user: list_del(&vgpu->iommu_entry)').length, 2);
});

test('only the last close makes the container forget the device', async (t) => {
  await isClean(t, scenario, 'v6.1');
});
