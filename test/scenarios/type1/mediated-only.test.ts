import test from 'ava';
import scenario from '../../../scenarios/type1/mediated-only.ts';
import { isClean } from '../../helpers/scenario.ts';

test('a mediated device alone is charged page by page, and leaves nothing behind', async (t) => {
  const { sometimes } = await isClean(t, scenario, 'v4.19');
  t.true(sometimes.every(({ reached }) => reached));
});
