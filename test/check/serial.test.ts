/** Scenarios that ask for it: what comes out of interleaved calls against what comes out of whole ones. */
import test from 'ava';
import { again, choose, kfree, loop, type Operation, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion, wait_for_completion_timeout } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_dec_and_test, refcount_read, refcount_set } from '../../actors/sync/refcount.ts';
import { queue_work, flush_work, type WorkFunctions, worker_thread } from '../../actors/sync/work.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { work_struct, workqueue } from '../../machines/sync/work.ts';
import {
  call,
  type CheckResult,
  daemon,
  local,
  LiveRun,
  replay,
  roundRobin,
  task,
  type Variant,
  variant,
} from '../../src/index.ts';
import { judgeRun } from '../../src/check/judge-run.ts';
import { checkSerial } from '../../src/check/serial.ts';
import { explore } from '../../src/explore/plain-search.ts';
import { endsOf } from '../../src/explore/serial-ends.ts';
import { Program } from '../../src/tables/program.ts';
import { cells, checkTiny, increment, locked_increment, read, scenarioOf, summaries, write } from '../helpers/tiny.ts';

const box = globals('box', {
  x: field<number>(0),
  y: field<number>(0),
  m: mutex(),
  n: mutex(),
  a: completion(),
  b: completion(),
});
type Box = HandleTo<typeof box>;

const twice = (operation: typeof increment, more: { readonly serialisable?: true | readonly string[] } = {}): Variant =>
  variant({
    objects: { cells },
    threads: (o) => ({ a: [call(operation, o.cells)], b: [call(operation, o.cells)] }),
    expect: [],
    ...more,
  });

const ended = <R>(search: Generator<unknown, R, string | null>): Promise<R> => {
  let turn = search.next();
  while (!turn.done) turn = search.next(null);
  return Promise.resolve(turn.value);
};

const counted = ({ serial }: CheckResult) => [serial?.outcomes, serial?.serialOutcomes];

test('an update that is lost is the outcome of no order; with a lock around it every outcome is that of one', async (t) => {
  const lost = await checkTiny(twice(increment, { serialisable: true }));
  t.deepEqual(summaries(lost), ['non-serialisable cells.x store..store']);
  t.true(lost.searched.includes('non-serialisable'));
  // x, what a returned, what b returned: 2 0 1 and 2 1 0, and 1 0 0.
  t.deepEqual(counted(lost), [3, 2]);
  const [finding] = lost.findings;
  t.is(finding?.message, 'No order of whole operations ends like this: cells.x is 1; in the nearest order it is 2');
  t.is(finding?.preemptions, 1);
  t.true(finding?.proven);
  t.deepEqual(finding?.serial, {
    order: [
      { thread: 'a', operation: 'increment' },
      { thread: 'b', operation: 'increment' },
    ],
    differences: [
      { object: 'cells.x', of: 'object', here: '1', there: '2' },
      { object: 'b.increment()', of: 'call', here: '0', there: '1' },
    ],
    outcomes: 1,
  });

  const guarded = await checkTiny(twice(locked_increment, { serialisable: true }));
  t.deepEqual(summaries(guarded), []);
  t.true(guarded.searched.includes('non-serialisable'));
  t.deepEqual(counted(guarded), [2, 2]);
});

test('who does not ask is not told, and the verdict does not claim to have looked', async (t) => {
  const result = await checkTiny(twice(increment));
  t.deepEqual(summaries(result), []);
  t.is(result.serial, null);
  t.false(result.searched.includes('non-serialisable'));
});

test('only what the scenario names is compared, and what calls return', async (t) => {
  function* quiet_increment(o: HandleTo<typeof cells>): Operation {
    yield* increment(o);
  }
  const of = (operation: typeof increment, serialisable: readonly string[]) => checkTiny(twice(operation, { serialisable }));
  t.deepEqual(summaries(await of(quiet_increment as never, ['cells.y'])), []);
  t.deepEqual(summaries(await of(quiet_increment as never, ['cells.x'])), ['non-serialisable cells.x store..store']);
  t.deepEqual(summaries(await of(quiet_increment as never, [])), []);
  // Both return 0, and in an order the second returns 1.
  t.deepEqual(summaries(await of(increment, [])), ['non-serialisable b.increment() load..store']);
});

test('what a call returned counts, also where nobody keeps it, and where another call overwrites it', async (t) => {
  function* look_twice({ x }: Box): Operation<readonly number[]> {
    return [yield* load(x), yield* load(x)];
  }
  function* set_x({ x }: Box): Operation {
    yield* store(x, 1);
  }
  function* nothing(): Operation<readonly number[]> {
    return [];
  }
  const seen = local<never>('seen');
  for (const calls of [
    (o: Box) => [call(look_twice, o)],
    (o: Box) => [call(look_twice, o).into(seen), call(nothing).into(seen)],
  ]) {
    const result = await checkTiny(
      variant({
        objects: { box },
        threads: (o) => ({ looks: calls(o.box), sets: [call(set_x, o.box)] }),
        serialisable: true,
        expect: [],
      }),
    );
    t.deepEqual(summaries(result), ['non-serialisable looks.look_twice() load..load']);
    t.is(
      result.findings[0]?.message,
      'No order of whole operations ends like this: looks.look_twice() returns [0,1]; in the nearest order it returns [0,0]',
    );
  }
});

test('a count that is read and then set under two locks', async (t) => {
  const device = struct('device', { refs: refcount(0) });
  function* start_refcount({ refs }: HandleTo<typeof device>, lock: Box['m']): Operation<boolean> {
    yield* mutex_lock(lock);
    const first = (yield* refcount_read(refs)) === 0;
    if (first) yield* refcount_set(refs, 1);
    yield* mutex_unlock(lock);
    return first;
  }
  const design = (other: 'm' | 'n') =>
    variant({
      objects: { box, device },
      threads: (o) => ({ a: [call(start_refcount, o.device, o.box.m)], b: [call(start_refcount, o.device, o.box[other])] }),
      serialisable: true,
      expect: [],
    });
  // Both believe that they were first: the count itself comes out the same.
  t.deepEqual(
    summaries(await checkTiny(design('n'))).filter((line) => line.startsWith('non')),
    ['non-serialisable b.start_refcount() refcount_read..refcount_set'],
  );
  t.deepEqual(summaries(await checkTiny(design('m'))), []);
});

test('a trylock that is right gives outcomes that no order gives: they are found where the scenario asks', async (t) => {
  function* try_to_count({ x, m }: Box): Operation<number> {
    if (!(yield* mutex_trylock(m))) return -16;
    yield* store(x, (yield* load(x)) + 1);
    yield* mutex_unlock(m);
    return 0;
  }
  const design = (more: { readonly serialisable?: true }) =>
    variant({
      objects: { box },
      threads: (o) => ({ a: [call(try_to_count, o.box)], b: [call(try_to_count, o.box)] }),
      expect: [],
      ...more,
    });
  t.deepEqual(summaries(await checkTiny(design({}))), []);
  const asked = await checkTiny(design({ serialisable: true }));
  t.deepEqual(summaries(asked), ['non-serialisable box.x mutex_trylock..mutex_unlock']);
  // Either may be refused: two outcomes, one finding.
  t.is(asked.findings[0]?.serial?.outcomes, 2);
});

const ready = (o: Box, mine: 'a' | 'b', other: 'a' | 'b') => call(shake, o[mine], o[other]);
function* shake(mine: Box['a'], other: Box['a']): Operation {
  yield* complete(mine);
  yield* wait_for_completion(other);
}

test('operations that wait for each other have no serial order: this is not applicable, and said', async (t) => {
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ a: [ready(o.box, 'a', 'b')], b: [ready(o.box, 'b', 'a')] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  t.is(
    result.serial?.notApplicable,
    'no order of whole operations comes to its end, for some wait for what others, or none, would do',
  );
  t.false(result.searched.includes('non-serialisable'));
  t.true(result.exhaustive);
});

test('where some orders end and others wait for ever, those that end are compared', async (t) => {
  function* wait_and_write({ a, x, y }: Box): Operation {
    yield* load(y);
    yield* wait_for_completion(a);
    yield* store(x, 1);
  }
  function* write_and_wake({ a, x }: Box): Operation {
    yield* store(x, 2);
    yield* complete(a);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ waits: [call(wait_and_write, o.box)], wakes: [call(write_and_wake, o.box)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  t.deepEqual(counted(result), [1, 1]);
  t.true(result.serial?.someNeverEnd);
});

test('what the environment decides ranges in the orders too', async (t) => {
  function* make({ x }: Box): Operation<number> {
    if ((yield* choose('kmalloc()', 'memory', 'no memory')) === 'no memory') return -12;
    yield* store(x, 1);
    return 0;
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ a: [call(make, o.box)], b: [call(make, o.box)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  t.deepEqual(counted(result), [4, 4]);
});

test('a timeout is given serially, too, though nothing else runs meanwhile', async (t) => {
  function* waits({ a }: Box): Operation<boolean> {
    return (yield* wait_for_completion_timeout(a)) > 0;
  }
  function* wakes({ a }: Box): Operation {
    yield* complete(a);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ a: [call(waits, o.box)], b: [call(wakes, o.box)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  t.deepEqual(counted(result), [2, 2]);
});

test('what lies in freed memory is no outcome, that the memory is freed is one', async (t) => {
  const device = struct('device', { refs: refcount(2), x: field<number>(0), users: field<number>(2) });
  function* count_and_put(o: HandleTo<typeof device>): Operation {
    yield* store(o.x, (yield* load(o.x)) + 1);
    if (yield* refcount_dec_and_test(o.refs)) yield* kfree(o);
  }
  function* put_torn(o: HandleTo<typeof device>): Operation {
    if ((yield* load(o.users)) > 1) yield* store(o.users, 1);
    else yield* kfree(o);
  }
  const design = (operation: typeof put_torn) =>
    variant({
      objects: { device },
      threads: (o) => ({ a: [call(operation, o.device)], b: [call(operation, o.device)] }),
      serialisable: true,
      expect: [],
    });
  t.deepEqual(summaries(await checkTiny(design(count_and_put))), []);
  const leaks = await checkTiny(design(put_torn));
  t.deepEqual(
    leaks.findings.map(({ message }) => message),
    ['No order of whole operations ends like this: device is live; in the nearest order it is freed'],
  );
  t.deepEqual(leaks.findings[0]?.serial?.differences, [{ object: 'device', of: 'object', here: 'live', there: 'freed' }]);
});

test('a run on which something else was found before does not count', async (t) => {
  const result = await checkTiny(
    variant({
      objects: { cells },
      threads: (o) => ({ a: [call(increment, o.cells)], b: [call(increment, o.cells)] }),
      always: { 'one at a time': ({ next }) => next('a') !== 'store' || next('b') !== 'store' },
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['invariant'],
  );
  t.deepEqual(counted(result), [2, 2]);
});

test('two updates that can be lost are two findings', async (t) => {
  function* both({ x, y }: Box): Operation {
    yield* store(x, (yield* load(x)) + 1);
    yield* store(y, (yield* load(y)) + 1);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ a: [call(both, o.box)], b: [call(both, o.box)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), ['non-serialisable box.x store..store', 'non-serialisable box.y store..store']);
  // x 1 and y 2, x 2 and y 1, and both 1, which counts as what differs first.
  t.deepEqual(
    result.findings.map(({ serial }) => serial?.outcomes),
    [2, 1],
  );
});

const queue = globals('queue', { wq: workqueue(), item: work_struct('count'), x: field<number>(0) });
type Queue = HandleTo<typeof queue>;
const worked = (submit: (o: Queue) => Operation, other: (o: Queue) => Operation<unknown>): Variant =>
  variant({
    objects: { queue },
    threads: ({ queue: o }) => {
      const functions: WorkFunctions = {
        *count() {
          yield* store(o.x, (yield* load(o.x)) + 1);
        },
      };
      return {
        submitter: [call(submit, o)],
        other: [call(other, o)],
        kworker: daemon([call(worker_thread, o.wq, functions)]),
      };
    },
    serialisable: true,
    expect: [],
  });
function* submit({ wq, item }: Queue): Operation {
  yield* queue_work(wq, item);
}
function* submit_and_wait({ wq, item }: Queue): Operation {
  yield* queue_work(wq, item);
  yield* flush_work(wq, item);
}
function* look({ x }: Queue): Operation<number> {
  return yield* load(x);
}
function* count_as_well({ x }: Queue): Operation {
  yield* store(x, (yield* load(x)) + 1);
}

test('what a worker does for a call is an operation of its own, and also done where the call waits for it', async (t) => {
  // What the other sees is 0 or 1, whether or not the submitter waits.
  for (const submits of [submit, submit_and_wait]) {
    const quiet = await checkTiny(worked(submits, look));
    t.deepEqual(summaries(quiet), []);
    t.deepEqual(counted(quiet), [2, 2]);
    t.deepEqual(summaries(await checkTiny(worked(submits, count_as_well))), ['non-serialisable queue.x store..store']);
  }
});

test('a daemon that never ends has no result that grows', async (t) => {
  function* tick({ a, x }: Box): Operation<number> {
    yield* wait_for_completion(a);
    yield* store(x, 1);
    return 1;
  }
  function* start({ a }: Box): Operation {
    yield* complete(a);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ ticks: daemon([call(tick, o.box)], { forever: true }), a: [call(start, o.box), call(start, o.box)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(counted(result), [1, 1]);
});

test('a loop within a call is no end of it', async (t) => {
  function* count_to_two({ x }: Box): Operation {
    yield* loop<number, undefined>(0, function* (n) {
      yield* store(x, n);
      return n < 2 ? again(n + 1) : undefined;
    });
  }
  function* seven({ x }: Box): Operation<number> {
    const before = yield* load(x);
    yield* store(x, 7);
    return before;
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: (o) => ({ counts: [call(count_to_two, o.box)], other: [call(seven, o.box)] }),
      serialisable: true,
      expect: [],
    }),
  );
  // Serially x and what was before: 7 2, 2 0. Else: 7 0 and 7 1, 2 1, and 2 2 never.
  t.deepEqual(counted(result), [5, 2]);
});

test('the schedule of the finding replays it, and a run that ends like an order raises nothing', async (t) => {
  const scenario = scenarioOf({ it: twice(increment, { serialisable: true }) });
  const [finding] = (await checkTiny(twice(increment, { serialisable: true }))).findings;
  const played = await new LiveRun(scenario.variants['it'] as Variant).run(replay(finding?.schedule as never));
  const raised = await judgeRun(scenario, 'it', played.steps);
  t.deepEqual(
    raised.map(({ finding: { id, kind }, primary }) => ({ id, kind, primary })),
    [{ id: finding?.id, kind: 'non-serialisable', primary: true }],
  );
  const first = await new LiveRun(scenario.variants['it'] as Variant).run({ name: 'first', choose: ([first]) => first ?? null });
  t.deepEqual(await judgeRun(scenario, 'it', first.steps), []);
});

test('the id of the finding is the same whatever else the scenario holds', async (t) => {
  const ids = async (more: object) =>
    (await checkTiny({ ...twice(increment, { serialisable: true }), ...more })).findings.map(({ id }) => id);
  t.deepEqual(await ids({ start: { 'cells.x': { value: 5 } } }), await ids({}));
});

test('a task without an end cannot be asked for, nor what is not there', async (t) => {
  const endless = variant({
    objects: { cells },
    threads: (o) => ({ a: task([call(read, o.cells.x)], { forever: true }) }),
    serialisable: true,
    expect: [],
  });
  await t.throwsAsync(checkTiny(endless), { message: /has a task without an end, "a"/ });
  const mistyped = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(write, o.cells.x, 1)] }),
    serialisable: ['cell.x'],
    expect: [],
  });
  await t.throwsAsync(checkTiny(mistyped), { message: /names "cell\.x"/ });
});

test('a search among the orders that is cut compares nothing, and the check is cut', async (t) => {
  const it = twice(increment, { serialisable: true });
  const checked = await checkTiny(it, 3);
  t.is(checked.outcome, 'cut');
  t.false(checked.searched.includes('non-serialisable'));
  t.is(checked.serial?.cut, 'stopped among the orders of whole operations');

  const program = new Program(it);
  const explored = await ended(explore(program, it, { maxStates: 1000 }));
  const subject = { scenario: scenarioOf({ it }), name: 'it', variant: it, program, judge: explored.judge };
  for (let maxStates = 1; ; maxStates++) {
    const limits = { maxStates, nodesForBest: 1000, exhaustive: true };
    const serial = await checkSerial(subject, endsOf(explored), limits, ended);
    if (serial?.verdict.cut === null) break;
    t.deepEqual(serial?.findings, []);
    t.is(serial?.verdict.notApplicable, null);
  }
});

test('where the interleavings were cut, a finding is real, and another may have fewer preemptions', async (t) => {
  const it = twice(increment, { serialisable: true });
  const { states } = await checkTiny(it);
  const [finding] = (await checkTiny(it, states - 1)).findings;
  t.is(finding?.kind, 'non-serialisable');
  t.false(finding?.proven);
});

test('a worker rests between two items: who looks in between sees what an order gives', async (t) => {
  const two = globals('two', { wq: workqueue(), one: work_struct('count'), other: work_struct('count'), x: field<number>(0) });
  type Two = HandleTo<typeof two>;
  function* submit_both({ wq, one, other }: Two): Operation {
    yield* queue_work(wq, one);
    yield* queue_work(wq, other);
  }
  function* look_at({ x }: Two): Operation<number> {
    return yield* load(x);
  }
  const result = await checkTiny(
    variant({
      objects: { two },
      threads: ({ two: o }) => ({
        submitter: [call(submit_both, o)],
        other: [call(look_at, o)],
        kworker: daemon([
          call(worker_thread, o.wq, {
            *count() {
              yield* store(o.x, (yield* load(o.x)) + 1);
            },
          } satisfies WorkFunctions),
        ]),
      }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  // 0, 1 and 2 can be seen.
  t.deepEqual(counted(result), [3, 3]);
});

test('a call that waits for a daemon goes on when the daemon waits again, and not in the midst of its work', async (t) => {
  function* announce({ a, b, x }: Box): Operation {
    yield* wait_for_completion(b);
    yield* complete(a);
    yield* store(x, 1);
  }
  function* ask({ a, b, x }: Box): Operation<number> {
    yield* complete(b);
    yield* wait_for_completion(a);
    return yield* load(x);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: ({ box: o }) => ({ asks: [call(ask, o)], kthread: daemon([call(announce, o)]) }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), ['non-serialisable asks.ask() load..store']);
  t.deepEqual(counted(result), [2, 1]);
});

test('operations that cannot even begin without each other have no order either', async (t) => {
  function* wait_first(other: Box['a'], mine: Box['a']): Operation {
    yield* wait_for_completion(other);
    yield* complete(mine);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: ({ box: o }) => ({ one: [call(wait_first, o.a, o.b)], other: [call(wait_first, o.b, o.a)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['deadlock'],
  );
  t.is(
    result.serial?.notApplicable,
    'no order of whole operations comes to its end, for some wait for what others, or none, would do',
  );
});

test('a run on which a kernel complained does not count', async (t) => {
  function* count_and_warn({ x }: Box): Operation {
    const n = yield* load(x);
    yield* store(x, n + 1);
    yield* WARN_ON((yield* load(x)) !== n + 1 || n === 0, 'x was 0');
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: ({ box: o }) => ({ a: [call(count_and_warn, o)], b: [call(count_and_warn, o)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['warn'],
  );
  t.is(result.serial?.notApplicable, 'no run comes to its end without another finding');
});

test('what a deadlock leaves behind is no outcome', async (t) => {
  function* both({ x }: Box, first: Box['m'], second: Box['m']): Operation {
    yield* mutex_lock(first);
    yield* store(x, 1);
    yield* mutex_lock(second);
    yield* mutex_unlock(second);
    yield* mutex_unlock(first);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: ({ box: o }) => ({ one: [call(both, o, o.m, o.n)], other: [call(both, o, o.n, o.m)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['deadlock', 'lock-order'],
  );
  t.deepEqual(counted(result), [1, 1]);
});

test('the second call of one operation goes by its number', async (t) => {
  function* look_twice({ x }: Box): Operation<readonly number[]> {
    return [yield* load(x), yield* load(x)];
  }
  function* set_once({ x, y }: Box): Operation {
    if ((yield* load(y)) === 0) yield* store(x, 1);
    yield* store(y, 1);
  }
  const result = await checkTiny(
    variant({
      objects: { box },
      threads: ({ box: o }) => ({ looks: [call(look_twice, o), call(look_twice, o)], sets: [call(set_once, o)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), [
    'non-serialisable looks.look_twice() load..load',
    'non-serialisable looks.look_twice() #2 load..load',
  ]);
});

test('a state that is wrong by itself is the finding, also where it is the last', async (t) => {
  const result = await checkTiny({
    ...twice(increment, { serialisable: true }),
    always: {
      'both count': ({ cells: { x }, ended: has }: { cells: { x: { value: number } }; ended: (of: string) => boolean }) =>
        !has('a') || !has('b') || x.value === 2,
    },
  });
  t.deepEqual(
    result.findings.map(({ kind }) => kind),
    ['invariant'],
  );
});

test("what a daemon sees and returns is nobody's result, and makes no state of its own", async (t) => {
  function* glance({ x }: Box): Operation<number> {
    return yield* load(x);
  }
  function* set_x({ x }: Box): Operation {
    yield* store(x, 1);
  }
  const design = (more: { readonly serialisable?: true }) =>
    variant({
      objects: { box },
      threads: ({ box: o }) => ({ sets: [call(set_x, o)], glances: daemon([call(glance, o), call(glance, o)]) }),
      expect: [],
      ...more,
    });
  const [asked, unasked] = [await checkTiny(design({ serialisable: true })), await checkTiny(design({}))];
  t.deepEqual(counted(asked), [1, 1]);
  // What the task returned, which is nothing, makes none either.
  t.is(asked.states, unasked.states);
});

const torn: Variant = variant({
  objects: { box },
  threads: ({ box: o }) => ({
    sets: [
      call(function* set_twice({ x }: Box): Operation {
        yield* store(x, 1);
        yield* store(x, 2);
      }, o),
    ],
    looks: [
      call(function* look_twice({ x }: Box): Operation<readonly number[]> {
        return [yield* load(x), yield* load(x)];
      }, o),
    ],
  }),
  serialisable: true,
  expect: [],
});

test('of two calls that got into each other the pair is that of the one that came out wrong', async (t) => {
  const run = await new LiveRun(torn).run(roundRobin(['sets', 'looks']));
  const raised = await judgeRun(scenarioOf({ it: torn }), 'it', run.steps);
  t.deepEqual(summaries({ findings: raised.map(({ finding }) => finding) }), ['non-serialisable looks.look_twice() load..load']);
});

test('a run that is not over has no outcome', async (t) => {
  let steps = 0;
  const run = await new LiveRun(torn).run({
    name: 'three steps',
    choose: (options) => (steps++ < 3 ? (options.at(steps % 2 === 0 ? -1 : 0) ?? null) : null),
  });
  t.is(run.steps.length, 3);
  t.deepEqual(await judgeRun(scenarioOf({ it: torn }), 'it', run.steps), []);
});

test('played again, a run on which something else was found before has no outcome either', async (t) => {
  const it: Variant = {
    ...twice(increment, { serialisable: true }),
    always: {
      'one at a time': ({ next }: { next: (of: string) => string | null }) => next('a') !== 'store' || next('b') !== 'store',
    },
  };
  const run = await new LiveRun(it).run(roundRobin(['a', 'b']));
  t.deepEqual(
    (await judgeRun(scenarioOf({ it }), 'it', run.steps)).map(({ finding }) => finding.kind),
    ['invariant'],
  );
});

test('an order that an oops ends has no outcome either, and nobody waits in it', async (t) => {
  const device = struct('device', { x: field<number>(0) });
  function* use_freed(o: HandleTo<typeof device>): Operation {
    yield* kfree(o);
    yield* load(o.x);
  }
  const result = await checkTiny(
    variant({
      objects: { device },
      threads: (o) => ({ a: [call(use_freed, o.device)] }),
      serialisable: true,
      expect: [],
    }),
  );
  t.false(result.serial?.someNeverEnd);
  t.is(result.serial?.notApplicable, 'no order of whole operations comes to its end');
});
