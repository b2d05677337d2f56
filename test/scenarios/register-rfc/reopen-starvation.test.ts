import test, { type ExecutionContext } from 'ava';
import scenario from '../../../scenarios/register-rfc/reopen-starvation.ts';
import type { Finding } from '../../../src/index.ts';
import { findingOf, isAsExpected, isClean, linesOf } from '../../helpers/scenario.ts';

const GET = 'refcount_inc_not_zero(&device->refcount) = true';
const PUT = 'refcount_dec_and_test(&device->refcount) = false';

/** In the loop the unbind has its turn, both users get and put, and the count is never seen at 0. */
function overlaps(t: ExecutionContext, { loopFrom, trace, ...finding }: Finding): void {
  const loop = linesOf({ loopFrom, trace, ...finding }).slice((loopFrom ?? 0) - 1);
  t.true(loop.some((line) => line.endsWith('time is up')));
  for (const user of ['user_a', 'user_b'])
    for (const step of [GET, PUT]) t.true(loop.includes(`${user}: ${step}`), `${user}: ${step}`);
  const counts = trace?.steps
    .slice((loopFrom ?? 0) - 1)
    .flatMap(({ changes }) => changes.filter(({ path }) => path === 'device.refcount'))
    .map(({ after }) => (after.context as { n: number }).n);
  t.deepEqual(
    [...new Set(counts)].toSorted((a, b) => a - b),
    [1, 2],
  );
  t.false(loop.some((line) => line.includes('complete(&device->comp)')));
}

test('users of the node who overlap starve the unbind, also where one of them is refused', async (t) => {
  const starved = findingOf(await isAsExpected(t, scenario, 'rfc-node'), 'starvation', 'device.comp');
  overlaps(t, starved);
  t.true(linesOf(starved).includes('user_b: atomic_cmpxchg(&device->opened, 0, 1) = 1'));
});

test('users of the group do, in the RFC as up to v6.5', async (t) => {
  overlaps(t, findingOf(await isAsExpected(t, scenario, 'rfc-group'), 'starvation', 'device.comp'));
  overlaps(t, findingOf(await isAsExpected(t, scenario, 'v6.5-group'), 'starvation', 'device.comp'));
});

test('who lets go in the merged design cannot come back, and the unbind ends', async (t) => {
  for (const variant of ['merged', 'merged-group']) {
    const { searched } = await isClean(t, scenario, variant);
    t.true(searched.includes('starvation') && searched.includes('hung-task'));
  }
});
