/** Variants that are tried in threads of their own come out as in one thread, and what is found in them can be replayed. */
import test from 'ava';
import scenario from '../../scenarios/register-rfc/refcount-read-set.ts';
import { LaboratoryPool } from '../../src/cli/laboratory-pool.ts';
import type { LoadBearing } from '../../src/edits/element.ts';
import { laboratory } from '../../src/edits/laboratory.ts';
import { loadBearing } from '../../src/edits/load-bearing.ts';
import { judgeRun } from '../../src/check/judge-run.ts';
import { formatSchedule, LiveRun, parseSchedule, replay, variantFor } from '../../src/index.ts';

const options = { variants: ['merged-two-probes'], kinds: ['check', 'get'] } as const;

const outcomes = ({ results }: LoadBearing) =>
  results.map(({ element, verdict, trials }) => [
    element.says,
    verdict,
    ...trials.map(({ outcome, states, findings }) => [outcome, states, findings.map(({ id }) => id)]),
  ]);

test('several threads find what one finds', async (t) => {
  const pool = new LaboratoryPool({ file: '', shipped: true }, 2);
  const many = await loadBearing(scenario, pool, options);
  await pool.close();
  const one = await loadBearing(scenario, laboratory(), options);
  t.deepEqual(outcomes(many), outcomes(one));
  t.true(one.results.some(({ verdict }) => verdict === 'load-bearing'));
  t.true(one.results.some(({ verdict }) => verdict === 'unneeded'));
});

test('the schedule of a finding says how the code is edited, and leads there again', async (t) => {
  const { results } = await loadBearing(scenario, laboratory(), options);
  const found = results.flatMap(({ trials }) => trials).flatMap(({ findings }) => findings);
  t.true(found.length > 0);
  for (const { schedule, id, kind } of found) {
    // A run tells of no data race: that takes all the others.
    if (schedule === null || kind === 'data-race') continue;
    const read = parseSchedule(formatSchedule(schedule));
    t.deepEqual(read, schedule);
    t.is(read.edits?.length, 1);
    const strategy = replay(read);
    const { steps } = await new LiveRun(variantFor(scenario, read)).run(strategy);
    t.is(strategy.diverged, null);
    const raised = await judgeRun(scenario, read.variant, steps, null, read.without, false, read.edits);
    t.true(raised.some(({ finding }) => finding.id === id));
  }
});

test('what is interrupted says so', async (t) => {
  let left = 2;
  const reason = () => (left-- > 0 ? null : 'interrupted');
  const stopped = await loadBearing(scenario, laboratory(), { ...options, reason });
  t.is(stopped.stopped, 'interrupted');
  t.true(stopped.results.some(({ verdict }) => verdict === 'unknown'));
});
