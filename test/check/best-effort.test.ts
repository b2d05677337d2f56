/** What is made of a schedule when the model has changed: run by run, each by the name of its last step. */
import test from 'ava';
import { choose, type Operation, WARN_ON } from '../../actors/step.ts';
import { store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { planFor } from '../../src/check/best-effort.ts';
import { endingOf, playSchedule } from '../../src/check/played.ts';
import { call, checkVariant, formatSchedule, parseSchedule, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { type Cells, cells, increment, scenarioOf } from '../helpers/tiny.ts';

function* count_up({ x }: Cells, to: number): Operation {
  for (let i = 1; i <= to; i++) yield* store(x, i);
}
function* flaky({ y, m }: Cells): Operation {
  if ((yield* choose('allocation', 'ok', 'fails')) === 'fails') return;
  yield* mutex_lock(m);
  yield* store(y, 1);
  yield* mutex_unlock(m);
}
const design = variant({
  objects: { cells },
  threads: (o) => ({ counter: [call(count_up, o.cells, 4)], taker: [call(flaky, o.cells)], other: [call(flaky, o.cells)] }),
  expect: [],
});

/** `counter 3 store(cells.x)`, and what became of it. */
function attempts(runs: string, of: Variant = design): readonly string[] {
  const schedule = parseSchedule(`interlock/1 tiny/it ${runs}`);
  return planFor(new Program(of), schedule.runs, schedule.loop).attempts.map(({ taken, why }) => why ?? `${taken}`);
}

test('a run that fits is taken as it is written', (t) => {
  t.deepEqual(attempts('counter 3 store(cells.x)'), ['3']);
  t.deepEqual(attempts('taker 1 choose(environment)=ok taker 2 store(cells.y)'), ['1', '2']);
});

test('a step that comes earlier or later ends its run; of several with the name the nearest does', (t) => {
  t.deepEqual(attempts('counter 7 store(cells.x)'), ['4']);
  // mutex_lock, store: five steps were asked for, and two are there.
  t.deepEqual(attempts('taker 1 choose(environment)=ok taker 5 store(cells.y)'), ['1', '2']);
  t.deepEqual(attempts('taker 1 choose(environment)=ok taker 1 mutex_unlock(cells.m)'), ['1', '3']);
});

test('on the way there the thread takes whichever way leads there', (t) => {
  t.deepEqual(attempts('taker 2 store(cells.y)'), ['3']);
});

test('a step that offers several ways by now is known by the rest of its name', (t) => {
  t.deepEqual(attempts('taker 1 choose(environment) taker 3 mutex_unlock(cells.m)'), ['1', '3']);
  t.deepEqual(attempts('counter 1 store(cells.x)=done'), ['1']);
});

test('a run whose thread cannot come to its last step is left out whole, and says why', (t) => {
  t.deepEqual(
    attempts(
      'nobody 1 store(cells.x) counter 2 store(cells.z) counter 4 store(cells.x) counter 1 store(cells.x) ' +
        'taker 3 store(cells.y) other 1 choose(environment)=ok other 1 mutex_lock(cells.m)',
    ),
    [
      'there is no thread "nobody"',
      'alone it does not come to that step from store(cells.x)',
      '4',
      'it has ended',
      '3',
      '1',
      'it waits at mutex_lock(cells.m)',
    ],
  );
});

const lossy = (operation: (cells: Cells) => Operation<unknown>): Variant =>
  variant({
    objects: { cells },
    threads: (o) => ({ a: [call(operation, o.cells)], b: [call(operation, o.cells)] }),
    atEnd: { 'both count': ({ cells: { x } }) => x.value === 2 },
    expect: [],
  });
function* longer_increment(cells: Cells): Operation {
  yield* store(cells.z, 1);
  yield* increment(cells);
}
function* locked(cells: Cells): Operation {
  yield* mutex_lock(cells.m);
  yield* increment(cells);
  yield* mutex_unlock(cells.m);
}
const scenarios = { before: lossy(increment), longer: lossy(longer_increment), fixed: lossy(locked) };

/** The schedule of the lost update, played on another design. */
async function playedOn(other: keyof typeof scenarios, bestEffort: boolean) {
  const scenario = scenarioOf({ it: scenarios[other] });
  const { findings } = await checkVariant(scenarioOf({ it: scenarios.before }), 'it', { maxStates: 1000 });
  const [schedule] = findings.flatMap((finding) => finding.schedule ?? []);
  if (schedule === undefined) throw new Error('no update is lost');
  return playSchedule(parseSchedule(formatSchedule(schedule)), scenario, bestEffort);
}

test('a schedule that fits is played the same with and without', async (t) => {
  for (const bestEffort of [false, true]) {
    const played = await playedOn('before', bestEffort);
    t.is(endingOf(played), 'raised');
    t.is(played.effort, null);
  }
});

test('a step more in the model is a step more in the run, and the finding is still raised', async (t) => {
  t.is(endingOf(await playedOn('longer', false)), 'does-not-fit');
  const played = await playedOn('longer', true);
  t.is(played.diverged?.step, 1);
  t.is(endingOf(played), 'raised');
  t.deepEqual(
    played.effort?.attempts.map(({ run, taken }) => [run.steps, taken]),
    [
      [1, 2],
      [2, 3],
      [1, 1],
    ],
  );
});

test('where the model is fixed the finding is gone, and what cannot be played is left out', async (t) => {
  const played = await playedOn('fixed', true);
  t.is(endingOf(played), 'gone');
  t.deepEqual(
    played.effort?.attempts.map(({ taken, why }) => why ?? taken),
    [2, 'it waits at mutex_lock(cells.m)', 1],
  );
});

test('what is left out and not there any more is named, and left out no more', async (t) => {
  const scenario = scenarioOf({ it: scenarios.before });
  const schedule = parseSchedule('interlock/1 tiny/it without: c without: b.1 a 2 store(cells.x)');
  await t.throwsAsync(playSchedule(schedule, scenario, false), { message: /There is no "c" to leave out/ });
  const played = await playSchedule(schedule, scenario, true);
  t.deepEqual(played.effort?.notThere, ['c']);
  t.is(played.diverged, null);
  t.is(played.trace.steps.length, 2);
});

test('a loop is gone round once, and is one no more where it does not come back', async (t) => {
  function* twice({ x }: Cells): Operation {
    yield* store(x, 1);
    yield* store(x, 2);
    yield* WARN_ON(false, 'never');
  }
  const scenario = scenarioOf({
    it: variant({ objects: { cells }, threads: (o) => ({ a: [call(twice, o.cells)] }), expect: [] }),
  });
  const schedule = parseSchedule('interlock/1 tiny/it starvation-00000000 a 1 store(cells.x) loop: a 9 store(cells.x)');
  const played = await playSchedule(schedule, scenario, true);
  t.is(endingOf(played), 'gone');
  t.is(played.trace.steps.length, 2);
});
