/** How a live run is driven: every strategy on the same little program. */
import test from 'ava';
import { call, LiveRun, parseSchedule, random, replay, roundRobin, variant } from '../../src/index.ts';
import { formatSchedule, runsOf } from '../../src/trace/schedule.ts';
import { cells, locked_increment } from '../helpers/tiny.ts';

const two = variant({
  objects: { cells },
  threads: (o) => ({ a: [call(locked_increment, o.cells)], b: [call(locked_increment, o.cells)] }),
  expect: [],
});
const order = (steps: readonly { readonly thread: string }[]): string => steps.map(({ thread }) => thread).join('');

test('round robin gives each thread a step in turn, and passes over who waits', async (t) => {
  const { steps } = await new LiveRun(two).run(roundRobin(['a', 'b']));
  // a takes the lock, and b must wait until a has given it back.
  t.is(order(steps), 'aaaabbbb');
  t.deepEqual(
    steps.slice(0, 4).map(({ c, reply }) => [c, reply]),
    [
      ['mutex_lock(&cells->m)', null],
      ['cells->x', 0],
      ['cells->x = 1', null],
      ['mutex_unlock(&cells->m)', null],
    ],
  );
});

test('the same seed gives the same run', async (t) => {
  const runs = await Promise.all([7, 7].map((seed) => new LiveRun(two).run(random(seed))));
  t.deepEqual(runs[0], runs[1]);
});

test('some seed lets b go first', async (t) => {
  const orders = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7, 8].map(async (seed) => order((await new LiveRun(two).run(random(seed))).steps)),
  );
  t.deepEqual([...new Set(orders)].toSorted(), ['aaaabbbb', 'bbbbaaaa']);
});

const schedule = 'interlock/1 tiny/it a 4 mutex_unlock(cells.m) b 4 mutex_unlock(cells.m)';

test('a schedule is replayed a hundred times alike, and written back as it was read', async (t) => {
  const parsed = parseSchedule(schedule);
  for (let i = 0; i < 100; i++) {
    const strategy = replay(parsed);
    const run = await new LiveRun(two).run(strategy);
    t.is(strategy.diverged, null);
    t.is(order(run.steps), 'aaaabbbb');
    t.is(
      formatSchedule({ ...parsed, ...runsOf(run) })
        .replaceAll(/\s+/g, ' ')
        .trim(),
      schedule,
    );
  }
});

for (const [what, text, diverged] of [
  [
    'another step than the schedule names',
    'interlock/1 tiny/it a 3 mutex_unlock(cells.m)',
    { step: 3, expected: 'a: mutex_unlock(cells.m)', found: 'a: store(cells.x)' },
  ],
  [
    'a thread that cannot move',
    'interlock/1 tiny/it a 1 mutex_lock(cells.m) b 1 mutex_lock(cells.m)',
    { step: 2, expected: 'b: mutex_lock(cells.m)', found: 'b cannot move' },
  ],
  [
    'a schedule that is longer than the run',
    'interlock/1 tiny/it a 4 mutex_unlock(cells.m) b 4 mutex_unlock(cells.m) a 1 load(cells.x)',
    { step: 9, expected: 'a: load(cells.x)', found: 'no thread can move' },
  ],
] as const)
  test(`a schedule that no longer fits says where: ${what}`, async (t) => {
    const strategy = replay(parseSchedule(text));
    await new LiveRun(two).run(strategy);
    t.deepEqual(strategy.diverged, diverged);
  });
