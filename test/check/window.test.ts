/** Who has to be held up for a finding, where, and for how long: worked out by hand on programs of a few lines. */
import { testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import type { Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { spin_lock, spin_unlock } from '../../actors/sync/spinlock.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import type { Delay, Places } from '../../src/check/delays.ts';
import { type Window, windowOf as windowOfFinding } from '../../src/check/window.ts';
import { type Fault, Judge } from '../../src/explore/judge.ts';
import { pct } from '../../src/explore/sample/pct.ts';
import { call, checkVariant, type Finding, task, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { windowText } from '../../src/reporters/window.ts';
import { isGolden } from '../reporters/golden.ts';
import { randomVariants } from '../helpers/random-program.ts';
import { finish } from '../helpers/searches.ts';
import { scenarioOf } from '../helpers/tiny.ts';

const box = struct('box', { x: field<number>(0), y: field<number>(0), m: mutex(), n: mutex(), spin: spinlock() });
type Box = HandleTo<typeof box>;
const cpus = globals('cpu', { zero: cpu() });

async function windowOf(design: Variant): Promise<{ readonly finding: Finding; readonly window: Window }> {
  const { findings, windows } = await checkVariant(scenarioOf({ it: design }), 'it', {
    maxStates: 100_000,
    windows: true,
    how: { runs: 1000 },
  });
  // Of locks in two orders it is the deadlock that has a window.
  const [finding, ...others] = findings.filter(({ kind }) => kind !== 'lock-order');
  if (finding === undefined || others.length > 0) throw new Error(`${findings.length} findings`);
  return { finding, window: windows?.get(finding.id) as Window };
}

const spell = (step: Places['closes']): string => ('c' in step ? step.c : (step.next ?? 'nothing'));
const said = ({ thread, after, before, held, meanwhile, places }: Delay) => ({
  thread,
  between: [spell(after), spell(before)],
  held: held.map(({ object, atomic }) => `${object}${atomic ? ', atomic' : ''}`),
  meanwhile: meanwhile.map(({ thread, to }) => `${thread}: ${spell(to)}`),
  places: places && [places.count, spell(places.opens), spell(places.closes), places.atLeast],
});

function isExactly(t: ExecutionContext, { odds }: Window, chance: number): void {
  t.is(odds?.random.by, 'all states');
  t.deepEqual([odds?.random.low, odds?.random.high], [chance, chance]);
}

/** `t = x; y = 1; y = 2; ...; x = t + 1` */
function* slow_increment({ x, y }: Box, between: number): Operation {
  const t = yield* load(x);
  for (let i = 1; i <= between; i++) yield* store(y, i);
  yield* store(x, t + 1);
}
const increments = (between: number) =>
  variant({
    objects: { box },
    threads: ({ box }) => ({ slow: [call(slow_increment, box, between)], quick: [call(slow_increment, box, 0)] }),
    atEnd: { 'both count': ({ box: { x } }) => x.value === 2 },
    expect: [],
  });

test('between a read and the write after it, with two steps in between, the other may come in at three places', async (t) => {
  const { window } = await windowOf(increments(2));
  t.deepEqual(window.delays.map(said), [
    {
      thread: 'slow',
      // Of three that are equal the one in which the first thread goes on longest.
      between: ['box->y = 2', 'box->x = 1'],
      held: [],
      meanwhile: ['quick: box->x = 1'],
      places: [3, 'box->x', 'box->x = 1', false],
    },
  ]);
});

test('with no step in between it is one place', async (t) => {
  const { window } = await windowOf(increments(0));
  t.deepEqual(window.delays[0] && said(window.delays[0]).places, [1, 'box->x', 'box->x = 1', false]);
});

// slow reads; quick reads and writes; slow writes: 1/2 * 1/2 * 1/2, and so on: as in walk-chances.test.ts.
test('the chance of a random walk is exact where every state is at hand, and PCT counts its runs', async (t) => {
  const { window } = await windowOf(increments(0));
  isExactly(t, window, 0.5);
  const { depth, runs, hits, guarantee } = window.odds?.pct ?? {};
  t.is(depth, 2);
  t.is(runs, 1000);
  // Whoever is first falls at the second of four steps: 1/4.
  t.true(Math.abs((hits ?? 0) - 250) < 60, `${hits}`);
  // One turn after the other, and back: two orderings, 1/(2*4).
  t.deepEqual(guarantee, { depth: 2, threads: 2, steps: 4, probability: 1 / 8, hasWays: false });
});

/** The look is under the lock, and so is what comes of it, but not both together. */
function* look_then_leap({ x, y, m }: Box): Operation {
  yield* mutex_lock(m);
  const free = (yield* load(x)) === 0;
  yield* mutex_unlock(m);
  yield* load(y);
  yield* mutex_lock(m);
  if (free) yield* store(x, (yield* load(x)) + 1);
  yield* mutex_unlock(m);
}

test('where a lock keeps the others out there is no place for them', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ one: [call(look_then_leap, box)], other: [call(look_then_leap, box)] }),
    always: { 'one user': ({ box: { x } }) => x.value < 2 },
    expect: [],
  });
  const { window } = await windowOf(design);
  // Between the unlock and the next lock: before y is read, and after.
  t.deepEqual(window.delays[0] && said(window.delays[0]).places, [2, 'mutex_unlock(&box->m)', 'mutex_lock(&box->m)', false]);
});

function* both(first: Box['m'], second: Box['m']): Operation {
  yield* mutex_lock(first);
  yield* mutex_lock(second);
  yield* mutex_unlock(second);
  yield* mutex_unlock(first);
}

test('who is stuck in the end was held up between its locks, and could not have come any further', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ one: [call(both, box.m, box.n)], other: [call(both, box.n, box.m)] }),
    expect: [],
  });
  const { window } = await windowOf(design);
  t.deepEqual(window.delays.map(said), [
    {
      thread: 'one',
      between: ['mutex_lock(&box->m)', 'mutex_lock(&box->n)'],
      held: ['box.m'],
      meanwhile: ['other: mutex_lock(&box->n)'],
      places: [1, 'mutex_lock(&box->m)', 'mutex_lock(&box->n)', false],
    },
  ]);
  // The other after one's lock, and one's second lock after that: the order of the two alone would not do.
  t.is(window.odds?.pct.guarantee?.depth, 2);
  // m then n: 1/2 for who is first, 1/2 for the other to come next.
  isExactly(t, window, 0.5);
});

test('a place does not count at which somebody else had to be held up as well', async (t) => {
  function* later(box: Box): Operation {
    yield* store(box.x, 1);
    yield* both(box.m, box.n);
  }
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ one: [call(later, box)], other: [call(both, box.n, box.m)] }),
    expect: [],
  });
  const { window } = await windowOf(design);
  // Before its first lock the other could not be left standing with n, unless it were held up there.
  t.deepEqual(window.delays[0] && said(window.delays[0]).places, [1, 'mutex_lock(&box->m)', 'mutex_lock(&box->n)', false]);
});

function* under_spinlock({ x, spin }: Box): Operation {
  yield* spin_lock(spin);
  yield* store(x, 1);
  yield* store(x, 0);
  yield* spin_unlock(spin);
}
function* peek({ x, y }: Box): Operation {
  if ((yield* load(x)) === 1) yield* store(y, 1);
}
const peeked = variant({
  objects: { box },
  threads: ({ box }) => ({ writer: [call(under_spinlock, box)], reader: [call(peek, box)] }),
  always: { 'never seen': ({ box: { y } }) => y.value === 0 },
  expect: [],
});

test('who holds a spinlock is delayed and does not sleep', async (t) => {
  const { finding, window } = await windowOf(peeked);
  t.deepEqual(window.delays.map(said), [
    {
      thread: 'writer',
      between: ['box->x = 1', 'box->x = 0'],
      held: ['box.spin, atomic'],
      meanwhile: ['reader: box->y = 1'],
      places: [1, 'box->x = 1', 'box->x = 0', false],
    },
  ]);
  isGolden(t, 'window.txt', [...windowText(finding, window), ''].join('\n'));
});

function* set({ x }: Box, value: number): Operation {
  yield* store(x, value);
}

test('where one after the other is enough, nobody is held up, and their order is said', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ one: [call(set, box, 1)], other: [call(set, box, 2)] }),
    atEnd: { 'the other is last': ({ box: { x } }) => x.value === 2 },
    expect: [],
  });
  const { finding, window } = await windowOf(design);
  t.deepEqual(window.delays, []);
  t.is(window.odds?.random.low, 0.5);
  t.is(window.odds?.pct.guarantee?.probability, 0.5);
  isGolden(t, 'window-in-order.txt', [...windowText(finding, window), ''].join('\n'));
});

test('what takes two preemptions is two delays', async (t) => {
  function* thrice({ x }: Box): Operation {
    for (const value of [1, 2, 3]) yield* store(x, value);
  }
  function* sees({ x, y }: Box): Operation {
    if ((yield* load(x)) === 1 && (yield* load(x)) === 2) yield* store(y, 1);
  }
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ writer: [call(thrice, box)], reader: [call(sees, box)] }),
    always: { 'never seen': ({ box: { y } }) => y.value === 0 },
    expect: [],
  });
  const { finding, window } = await windowOf(design);
  t.is(finding.preemptions, 3);
  t.deepEqual(
    window.delays.map((delay) => [delay.thread, ...said(delay).between]),
    [
      ['writer', 'box->x = 1', 'box->x = 2'],
      ['reader', 'box->x', 'box->x'],
      ['writer', 'box->x = 2', 'box->x = 3'],
    ],
  );
});

test('what nobody comes to has no window', async (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box }) => ({ one: [call(set, box, 1)] }),
    sometimes: { 'x is 2': ({ box: { x } }) => x.value === 2 },
    expect: [],
  });
  const { findings, windows } = await checkVariant(scenarioOf({ it: design }), 'it', { maxStates: 1000, windows: true });
  t.deepEqual(
    findings.map(({ kind }) => kind),
    ['never-reached'],
  );
  t.is(windows?.size, 0);
});

test('where a delay goes can be told of a finding alone, without a run', async (t) => {
  const scenario = scenarioOf({ it: peeked });
  const program = new Program(peeked);
  const { finding, window } = await windowOf(peeked);
  const subject = { scenario, name: 'it', variant: peeked, program, judge: new Judge(program, peeked) };
  t.deepEqual(windowOfFinding(subject, finding), { ...window, odds: null });
});

test('windows are looked for only on request', async (t) => {
  const { windows } = await checkVariant(scenarioOf({ it: peeked }), 'it', { maxStates: 1000 });
  t.is(windows, null);
});

const nameOf = ({ kind, object, text, sites }: Fault): string =>
  JSON.stringify([kind, object, text, sites.map((site) => [site.function, site.event, site.object])]);

const compared: number[] = [];

/** Whatever orderings a counterexample needs, runs at that depth must come to it as often as PCT promises. */
testProp(
  'PCT keeps its guarantee at the depth that is read off the counterexample',
  [randomVariants],
  async (t, design) => {
    const { findings, windows } = await checkVariant(scenarioOf({ it: design }), 'it', {
      maxStates: 20_000,
      windows: true,
      how: { runs: 20 },
    });
    const runs = 1500;
    t.pass();
    for (const finding of findings) {
      const { guarantee } = windows?.get(finding.id)?.odds?.pct ?? {};
      if (guarantee === undefined || guarantee === null || guarantee.hasWays || guarantee.depth > 3) continue;
      const { depth, steps, probability } = guarantee;
      const program = new Program(design);
      const options = { runs, seed: 3, maxSteps: 1000, maxStates: Infinity, depth, steps };
      const { first, judge } = finish(pct(program, design, options));
      const met = [...first].find(([id]) => nameOf(judge.faults[id] as Fault) === nameOf(finding.fault));
      const rate = (met?.[1] ?? 0) / runs;
      t.true(rate + 5 * Math.sqrt(probability / runs) >= probability, `${finding.message}: ${rate} of ${probability}`);
      compared.push(depth);
    }
  },
  { numRuns: 40, seed: 5 },
);

test.after('it was held against some, of more than one depth', (t) => {
  t.true(compared.length > 10 && new Set(compared).size > 1, compared.join());
});

test('who has a CPU of its own may have interrupts off, and is not told to sleep', async (t) => {
  const design = variant({
    objects: { box, cpu: cpus },
    threads: ({ box, cpu }) => ({
      slow: task([call(slow_increment, box, 0)], { cpu: cpu.zero }),
      quick: [call(slow_increment, box, 0)],
    }),
    atEnd: { 'both count': ({ box: { x } }) => x.value === 2 },
    expect: [],
  });
  const { finding, window } = await windowOf(design);
  t.deepEqual(
    window.delays.map(({ thread, maySleep }) => [thread, maySleep]),
    [['slow', false]],
  );
  t.true(windowText(finding, window).join(' ').includes('(mdelay(), for interrupts may be off)'));
});
