import test from 'ava';
import scenario from '../../../scenarios/mdev/mdev-lifecycle.ts';
import { isClean } from '../../helpers/scenario.ts';

for (const variant of Object.keys(scenario.variants))
  test(`a device lives and dies in ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });
