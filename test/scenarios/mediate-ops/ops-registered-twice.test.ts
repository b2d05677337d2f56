import test from 'ava';
import scenario from '../../../scenarios/mediate-ops/ops-registered-twice.ts';
import { findingOf, isAsExpected, isClean, shows } from '../../helpers/scenario.ts';

test('an entry that was never counted outlives its module', async (t) => {
  const result = await isAsExpected(t, scenario, 'rfc');
  shows(t, findingOf(result, 'use-after-free', 'igd_dt_ops.module'), [
    'user: mentry->refcnt = -1',
    'user: free_module(&igd_dt_ops.module)',
    'user: igd_dt_ops.open()',
  ]);
});

test('a second registration is refused by the design that holds its providers', async (t) => {
  await isClean(t, scenario, 'held');
});
