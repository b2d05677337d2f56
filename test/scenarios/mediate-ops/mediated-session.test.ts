import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/mediated-session.ts';
import { isClean } from '../../helpers/scenario.ts';

for (const variant of ['rfc', 'held'])
  test(`${variant}: two providers, one device, from registration to unload`, async (t) => {
    const result = await isClean(t, scenario, variant);
    t.true(result.sometimes.every(({ reached }) => reached));
  });
