/** What a counterexample leaves out: what the finding does not need, and never what it rests on. */
import test from 'ava';
import { fc, testProp } from '@fast-check/ava';
import type { Operation } from '../../actors/step.ts';
import { load } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { globals } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { judgeRun } from '../../src/check/judge-run.ts';
import {
  call,
  checkVariant,
  type Finding,
  formatSchedule,
  LiveRun,
  local,
  ModelError,
  parseSchedule,
  replay,
  type Schedule,
  type TraceStep,
  type Variant,
  variant,
  variantFor,
} from '../../src/index.ts';
import { leaveOut, whatIsLeftOut } from '../../src/model/leave-out.ts';
import { cells, type Cells, checkTiny, increment, locked_increment, read, scenarioOf, write } from '../helpers/tiny.ts';

/** Complains of a field that is 0. */
function* look({ x }: Cells): Operation {
  yield* WARN_ON((yield* load(x)) === 0, 'x == 0');
}

/** Complains of another that is 1. */
function* look_at_y({ y }: Cells): Operation {
  yield* WARN_ON((yield* load(y)) === 1, 'y == 1');
}

function* lock_unlock({ n }: Cells): Operation {
  yield* mutex_lock(n);
  yield* mutex_unlock(n);
}

/** What the finding of the kind leaves out. */
async function without(design: Variant, kind = 'warn'): Promise<readonly string[]> {
  const { findings } = await checkTiny(design);
  const [finding, ...others] = findings.filter((each) => each.kind === kind);
  if (finding === undefined || others.length > 0) throw new RangeError(findings.map(({ message }) => message).join('; '));
  return finding.without;
}

const design = (
  threads: Parameters<typeof variant<{ readonly cells: typeof cells }>>[0]['threads'],
  more: Partial<Variant> = {},
) => ({ ...variant({ objects: { cells }, threads, expect: [] }), ...more }) as Variant;

test('a thread that takes no part is left out, and so are the calls after the finding', async (t) => {
  const out = await without(
    design(({ cells }) => ({
      a: [call(look, cells), call(write, cells.z, 1)],
      bystander: [call(write, cells.y, 1), call(write, cells.y, 2)],
    })),
  );
  t.deepEqual(out, ['a.2', 'bystander']);
});

test('an earlier call is left out that leaves everything that is shown as it was', async (t) => {
  const out = await without(
    design(({ cells }) => ({ a: [call(lock_unlock, cells), call(write, cells.z, 1), call(look, cells)] })),
  );
  t.deepEqual(out, ['a.1', 'a.2']);
});

test('a call without whose result another cannot be made goes with it', async (t) => {
  const seen = local<number>('seen');
  const out = await without(
    design(({ cells }) => ({
      a: [call(read, cells.y).into(seen), call(write, cells.z, seen), call(write, cells.z, 3).ifOk(seen), call(look, cells)],
    })),
  );
  t.deepEqual(out, ['a.1', 'a.2', 'a.3']);
});

test('what the finding rests on stays: both increments, and the write that is lost', async (t) => {
  const { findings } = await checkTiny(
    design(({ cells }) => ({ a: [call(increment, cells)], b: [call(increment, cells)], c: [call(lock_unlock, cells)] }), {
      atEnd: { 'nothing is lost': (view: { cells: { x: { value: number } } }) => view.cells.x.value === 2 },
    }),
  );
  t.deepEqual(
    findings.map(({ kind, without: out, threads }) => [kind, out, threads]),
    [['end-state', ['c'], ['a', 'b']]],
  );
});

test('a call is not left out whose absence would make the finding by itself: that x is set, and cleared again', async (t) => {
  // Without both, the WARN is raised as well, and alike: x begins as 0. But the finding is that it was cleared.
  const set = design(({ cells }) => ({ a: [call(write, cells.x, 1), call(look, cells)], b: [call(write, cells.x, 0)] }));
  t.deepEqual(await without(set), []);
  const bare = await checkTiny(leaveOut(set, ['a.1', 'b']));
  const whole = await checkTiny(set);
  t.is(bare.findings[0]?.id, whole.findings[0]?.id);
});

test('calls that change only what nothing shown touches later are left out, though each touches what the other changes', async (t) => {
  const locked = design(({ cells }) => ({
    a: [call(locked_increment, cells), call(write, cells.y, 1)],
    b: [call(locked_increment, cells), call(look_at_y, cells)],
  }));
  const { findings } = await checkTiny(locked);
  t.deepEqual(
    findings.map(({ kind }) => kind),
    ['warn'],
  );
  t.deepEqual(findings[0]?.without, ['a.1', 'b.1']);
  // The other way round `b.1` can go only after `a.1` has gone.
  const reversed = design(({ cells }) => ({
    a: [call(locked_increment, cells), call(look_at_y, cells)],
    b: [call(locked_increment, cells), call(write, cells.y, 1)],
  }));
  t.deepEqual(await without(reversed), ['a.1', 'b.1']);
});

test('who stands in a deadlock stays, and who could end it is not left out', async (t) => {
  function* lock_both(first: Cells['m'], second: Cells['m']): Operation {
    yield* mutex_lock(first);
    yield* mutex_lock(second);
    yield* mutex_unlock(second);
    yield* mutex_unlock(first);
  }
  const { findings } = await checkTiny(
    design(({ cells }) => ({
      one: [call(lock_both, cells.m, cells.n)],
      other: [call(lock_unlock, cells), call(lock_both, cells.n, cells.m)],
      bystander: [call(write, cells.y, 1)],
    })),
  );
  t.deepEqual(
    findings.filter(({ kind }) => kind === 'deadlock').map(({ without: out }) => out),
    [['other.1', 'bystander']],
  );
  const rescued = await checkTiny(
    variant({
      objects: { done: globals('done', { event: completion() }) },
      threads: ({ done }) => ({ waiter: [call(wait_for_completion, done.event)], rescuer: [call(complete, done.event)] }),
      expect: [],
    }),
  );
  t.deepEqual(rescued.findings, []);
});

test('a thread that a predicate asks for stays where it says what the predicate wants to know', async (t) => {
  const asked = design(({ cells }) => ({ a: [call(write, cells.x, 1)], b: [call(write, cells.y, 1)] }), {
    always: {
      'x only after b': (view: { cells: { x: { value: number } }; ended: (thread: string) => boolean }) =>
        view.cells.x.value === 0 || view.ended('b'),
    },
  });
  t.deepEqual(await without(asked, 'invariant'), []);
});

test('an endless finding is shown whole, and so is everything with shrink: false', async (t) => {
  const scenario = scenarioOf({
    it: design(({ cells }) => ({ a: [call(look, cells)], bystander: [call(write, cells.y, 1)] })),
  });
  const whole = await checkVariant(scenario, 'it', { maxStates: 1000, shrink: false });
  const smaller = await checkVariant(scenario, 'it', { maxStates: 1000 });
  t.deepEqual(
    [whole, smaller].map(({ findings }) => findings.map((finding) => finding.without)),
    [[[]], [['bystander']]],
  );
  t.deepEqual(
    whole.findings.map(({ id }) => id),
    smaller.findings.map(({ id }) => id),
  );
});

test('leaving out is undone by nothing, names what is not there, and keeps each call at its place', (t) => {
  const seen = local<number>('seen');
  const whole = design(({ cells }) => ({
    a: [call(read, cells.x).into(seen), call(write, cells.y, seen)],
    b: [call(look, cells)],
  }));
  t.deepEqual(whatIsLeftOut(whole), []);
  t.deepEqual(whatIsLeftOut(leaveOut(whole, ['b', 'a.2'])), ['a.2', 'b']);
  t.deepEqual(whatIsLeftOut(leaveOut(leaveOut(whole, ['a.2']), ['a.1'])), ['a']);
  for (const wrong of ['c', 'a.0', 'a.3', ''])
    t.throws(() => leaveOut(whole, [wrong]), { instanceOf: ModelError, message: `There is no "${wrong}" to leave out` });
});

test('a schedule that leaves out what matters does not pass for one of the design', async (t) => {
  const scenario = scenarioOf({
    it: design(({ cells }) => ({ a: [call(write, cells.x, 1), call(look, cells)], b: [call(write, cells.x, 0)] })),
  });
  const trick = parseSchedule('interlock/1 tiny/it without: a.1 without: b a 2 WARN_ON(environment)');
  const run = await new LiveRun(variantFor(scenario, trick)).run({ name: 'first', choose: ([first]) => first ?? null });
  const raised = await judgeRun(scenario, 'it', run.steps, null, trick.without);
  t.deepEqual(
    raised.map(({ isOfVariant, finding: { kind } }) => [kind, isOfVariant]),
    [['warn', false]],
  );
});

/** Programs of several calls, in which some are needed. */
const calls = fc.constantFrom('look', 'set', 'clear', 'y', 'increment', 'locked', 'lock n', 'look at y');
const programs = fc.array(fc.array(calls, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
const designOf = (threads: readonly (readonly string[])[]): Variant =>
  design(({ cells }) => {
    const made: Readonly<Record<string, () => ReturnType<typeof call>>> = {
      look: () => call(look, cells),
      set: () => call(write, cells.x, 1),
      clear: () => call(write, cells.x, 0),
      y: () => call(write, cells.y, 1),
      increment: () => call(increment, cells),
      locked: () => call(locked_increment, cells),
      'lock n': () => call(lock_unlock, cells),
      'look at y': () => call(look_at_y, cells),
    };
    return Object.fromEntries(
      threads.map((names, t) => [`t${t}`, names.map((name) => (made[name] as () => ReturnType<typeof call>)())]),
    );
  });

const shownOf = ({ thread, call: nth, c, reply, changes, held, splats, functions }: TraceStep) => ({
  thread,
  nth,
  c,
  reply,
  changes,
  held,
  splats,
  functions,
});

/** Every run of the design on which the steps of what is not left out are those that are shown; by plain trial. */
async function isRunOf(whole: Variant, finding: Finding): Promise<boolean> {
  const shown = (finding.trace?.steps ?? []).map(shownOf);
  const isOut = ({ thread, call: nth }: TraceStep) =>
    finding.without.includes(thread) || finding.without.includes(`${thread}.${nth + 1}`);
  const wanted = JSON.stringify(shown);
  const play = async (threads: readonly string[]) => {
    let at = 0;
    const run = await new LiveRun(whole).run({
      name: 'these',
      choose(options) {
        const wanted = threads[at++];
        return options.find(({ thread }) => thread === wanted) ?? null;
      },
    });
    return run.steps;
  };
  const tryFrom = async (threads: readonly string[], budget: { left: number }): Promise<boolean> => {
    if (budget.left-- <= 0) return false;
    const steps = await play(threads);
    if (steps.length < threads.length) return false;
    const kept = steps.filter((step) => !isOut(step)).map(shownOf);
    const text = JSON.stringify(kept);
    if (text === wanted) return true;
    if (!wanted.startsWith(text.slice(0, -1))) return false;
    const next = shown[kept.length]?.thread;
    const order = [...new Set([...(next === undefined ? [] : [next]), ...Object.keys(whole.threads)])];
    for (const thread of order) if (await tryFrom([...threads, thread], budget)) return true;
    return false;
  };
  return tryFrom([], { left: 3000 });
}

testProp(
  'a smaller counterexample has the id of the whole, costs no more, and is a run of the design with the steps of other calls left out',
  [programs],
  async (t, threads) => {
    const scenario = scenarioOf({ it: designOf(threads) });
    const whole = await checkVariant(scenario, 'it', { maxStates: 20_000, shrink: false });
    const smaller = await checkVariant(scenario, 'it', { maxStates: 20_000 });
    t.deepEqual(
      smaller.findings.map(({ id, message }) => [id, message]),
      whole.findings.map(({ id, message }) => [id, message]),
    );
    for (const [i, finding] of smaller.findings.entries()) {
      const before = whole.findings[i] as Finding;
      t.true(finding.preemptions <= before.preemptions);
      t.true(finding.threads.length <= before.threads.length || finding.preemptions < before.preemptions);
      if (finding.without.length === 0) continue;
      t.true(await isRunOf(scenario.variants['it'] as Variant, finding), finding.without.join(' '));
      const schedule = parseSchedule(formatSchedule(finding.schedule as Schedule));
      t.deepEqual(schedule, finding.schedule);
      const strategy = replay(schedule);
      const live = await new LiveRun(variantFor(scenario, schedule)).run(strategy);
      t.is(strategy.diverged, null);
      t.deepEqual(live.steps, finding.trace?.steps);
      const raised = await judgeRun(scenario, 'it', live.steps, null, schedule.without);
      t.true(raised.some(({ finding: { id }, isOfVariant, primary }) => id === finding.id && isOfVariant && primary));
    }
    t.pass();
  },
  { numRuns: Number(process.env['ORACLE_RUNS'] ?? 60) },
);

test('the schedule of a smaller design plays the same a hundred times', async (t) => {
  const scenario = scenarioOf({
    it: design(({ cells }) => ({
      a: [call(lock_unlock, cells), call(look, cells)],
      bystander: [call(write, cells.y, 1)],
    })),
  });
  const { findings } = await checkVariant(scenario, 'it', { maxStates: 1000 });
  const [finding] = findings as readonly [Finding];
  t.deepEqual(finding.without, ['a.1', 'bystander']);
  const schedule = parseSchedule(formatSchedule(finding.schedule as Schedule));
  const traces = new Set<string>();
  for (let time = 0; time < 100; time++)
    traces.add(JSON.stringify((await new LiveRun(variantFor(scenario, schedule)).run(replay(schedule))).steps));
  t.deepEqual([...traces], [JSON.stringify(finding.trace?.steps)]);
});
