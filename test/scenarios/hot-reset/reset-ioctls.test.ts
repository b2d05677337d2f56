import test from 'ava';
import scenario from '../../../scenarios/hot-reset/reset-ioctls.ts';
import { isClean } from '../../helpers/scenario.ts';

for (const variant of Object.keys(scenario.variants))
  test(`each ioctl gives what it should: ${variant}`, async (t) => {
    await isClean(t, scenario, variant);
  });
