/** The programs of the soundness rules, as far as they concern a search of every state. */
import test from 'ava';
import { again, kfree, kzalloc, loop, message, type Operation, oneOf, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { interrupt } from '../../actors/sync/cpu.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { rcu_read_lock, rcu_read_unlock } from '../../actors/sync/rcu.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type HandleTo, pool, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { rcu_state } from '../../machines/sync/rcu.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, daemon, local, ModelError, task, variant } from '../../src/index.ts';
import { type Cells, cells, checkTiny, read, summaries, write } from '../helpers/tiny.ts';

const device = struct('device', { lock: mutex(), done: completion(), n: field<number>(0) });
type Device = HandleTo<typeof device>;

function* use({ lock }: Device): Operation {
  yield* mutex_lock(lock);
}
function* use_and_release({ lock }: Device): Operation {
  yield* mutex_lock(lock);
  yield* mutex_unlock(lock);
}
function* free(device: Device): Operation {
  yield* kfree(device);
}
function* warn(text: string): Operation {
  yield* WARN_ON(true, text);
}

test('a lock in an object that another thread frees: the use after free is found, and so is the lock held at the free', async (t) => {
  const result = await checkTiny(
    variant({
      objects: { d: device },
      threads: ({ d }) => ({ a: [call(use_and_release, d)], b: [call(free, d)] }),
      expect: [],
    }),
  );
  t.deepEqual(summaries(result).toSorted(), ['use-after-free d kfree..mutex_lock', 'warn d.lock mutex_lock..kfree']);
  // To unlock what was freed while held comes after the warning: a consequence.
  t.deepEqual(summaries({ findings: result.consequences }), ['use-after-free d kfree..mutex_unlock']);
});

test('a thread that waits for a lock in memory that is freed goes on into it, and is not reported as stuck', async (t) => {
  function* hold_and_free(device: Device): Operation {
    yield* mutex_lock(device.lock);
    yield* kfree(device);
  }
  const result = await checkTiny(
    variant({
      objects: { d: device },
      threads: ({ d }) => ({ c: [call(hold_and_free, d)], a: [call(use, d)] }),
      expect: [],
    }),
  );
  const all = [...summaries(result), ...summaries({ findings: result.consequences })];
  t.true(all.includes('use-after-free d kfree..mutex_lock'));
  // a takes the lock first and keeps it: then c waits for ever. That one is real.
  t.deepEqual(
    all.filter((line) => line.startsWith('deadlock')),
    ['deadlock d.lock mutex_lock..mutex_lock'],
  );
});

test('a finding ends no branch: of two threads that warn, both are found', async (t) => {
  const result = await checkTiny(
    variant({ objects: { cells }, threads: () => ({ a: [call(warn, 'a')], b: [call(warn, 'b')] }), expect: [] }),
  );
  t.deepEqual(
    result.findings.map(({ fault }) => fault.text),
    ['a', 'b'],
  );
});

test('what follows a finding on every way to it is a consequence, and what can also come first is a finding', async (t) => {
  function* warn_twice(): Operation {
    yield* WARN_ON(true, 'first');
    yield* WARN_ON(true, 'second');
  }
  const result = await checkTiny(
    variant({ objects: { cells }, threads: () => ({ a: [call(warn_twice)], b: [call(warn, 'other')] }), expect: [] }),
  );
  t.deepEqual(result.findings.map(({ fault }) => fault.text).toSorted(), ['first', 'other']);
  t.deepEqual(
    result.consequences.map(({ fault }) => fault.text),
    ['second'],
  );
});

test('the ways of one step are enabled each by itself: a wait that can also be left by a signal', async (t) => {
  function* take_or_signal({ done }: Device): Operation {
    const { way } = yield* oneOf({
      done: message('wait', done, 'wait_for_completion'),
      signal: { object: 'environment', event: { type: 'choose', what: 'signal', way: 'signal' }, means: { kind: 'choose' } },
    });
    yield* WARN_ON(way === 'done', 'done was taken');
  }
  function* finish({ done }: Device): Operation {
    yield* complete(done);
  }
  const spec = (withFinisher: boolean) =>
    variant({
      objects: { d: device },
      threads: ({ d }) => ({ a: [call(take_or_signal, d)], ...(withFinisher ? { b: [call(finish, d)] } : {}) }),
      expect: [],
    });
  t.deepEqual(summaries(await checkTiny(spec(true))), ['warn take_or_signal']);
  t.deepEqual(summaries(await checkTiny(spec(false))), []);
});

test('a wait that nobody ends is a deadlock of its own, with the thread that waits', async (t) => {
  function* wait({ done }: Device): Operation {
    yield* wait_for_completion(done);
  }
  const result = await checkTiny(variant({ objects: { d: device }, threads: ({ d }) => ({ a: [call(wait, d)] }), expect: [] }));
  t.deepEqual(summaries(result), ['deadlock d.done wait_for_completion..wait_for_completion']);
  t.is(result.findings[0]?.message, 'Deadlock: a waits for what nobody will do');
});

test('with results kept, a read that may come before or after a write has two end states; forgotten, one', async (t) => {
  const seen = local<number>('seen');
  const kept = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(read, o.cells.x).into(seen)], b: [call(write, o.cells.x, 1)] }),
    expect: [],
  });
  const forgotten = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(read, o.cells.x)], b: [call(write, o.cells.x, 1)] }),
    expect: [],
  });
  t.is((await checkTiny(kept)).states, 5);
  t.is((await checkTiny(forgotten)).states, 4);
});

test('threads that spin have as many positions as the body of their loop', async (t) => {
  function* spin({ x }: Cells): Operation {
    yield* loop(null, function* () {
      return (yield* load(x)) === 0 ? again(null) : undefined;
    });
  }
  const result = await checkTiny(
    variant({
      objects: { cells },
      threads: (o) => ({ a: [call(spin, o.cells)], b: [call(spin, o.cells)], c: [call(write, o.cells.x, 1)] }),
      expect: [],
    }),
  );
  // Before the write one state; after it each spinner has ended or not.
  t.is(result.states, 5);
  t.deepEqual(summaries(result), []);
});

test('two allocations of one thread are two objects, and a freed one is not used again', async (t) => {
  function* allocate_twice(from: Device): Operation {
    const first = yield* kzalloc(from);
    yield* kfree(first);
    const second = yield* kzalloc(from);
    yield* store(second.n, 1);
    yield* store(first.n, 1);
  }
  const result = await checkTiny(
    variant({ objects: { d: pool(device, 2) }, threads: ({ d }) => ({ a: [call(allocate_twice, d)] }), expect: [] }),
  );
  t.deepEqual(summaries(result), ['use-after-free d kfree..store']);
  t.regex(result.findings[0]?.trace?.steps.at(-1)?.object ?? '', /^d@a\.n$/);
});

test('a pool that is exhausted is a fault of the scenario', async (t) => {
  function* allocate_twice(from: Device): Operation {
    yield* kzalloc(from);
    yield* kzalloc(from);
  }
  const run = checkTiny(
    variant({ objects: { d: pool(device) }, threads: ({ d }) => ({ a: [call(allocate_twice, d)] }), expect: [] }),
  );
  await t.throwsAsync(run, {
    instanceOf: ModelError,
    message: 'Thread "a" allocates from "d" for the 2nd time, and the pool has 1 for each thread',
  });
});

test('a contended lock in a loop starves nobody', async (t) => {
  const result = await checkTiny(
    variant({
      objects: { d: device },
      threads: ({ d }) => ({
        a: task([call(use_and_release, d)], { forever: true }),
        b: task([call(use_and_release, d)], { forever: true }),
        c: [call(use_and_release, d)],
      }),
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  t.true(result.searched.includes('starvation'));
});

test('two tasks that lock each other out beside a third that spins are hung', async (t) => {
  function* lock_both(cells: Cells, order: 'mn' | 'nm'): Operation {
    const [first, second] = order === 'mn' ? [cells.m, cells.n] : [cells.n, cells.m];
    yield* mutex_lock(first);
    yield* mutex_lock(second);
    yield* mutex_unlock(second);
    yield* mutex_unlock(first);
  }
  const result = await checkTiny(
    variant({
      objects: { cells },
      threads: (o) => ({
        a: [call(lock_both, o.cells, 'mn' as const)],
        b: [call(lock_both, o.cells, 'nm' as const)],
        c: task([call(read, o.cells.x)], { forever: true }),
      }),
      expect: [],
    }),
  );
  t.deepEqual(
    result.findings.map(({ kind, fault }) => [kind, fault.sites[0]?.thread]),
    [
      ['hung-task', 'a'],
      ['hung-task', 'b'],
      ['lock-order', 'a'],
    ],
  );
});

test('a poller that looks only while the flag is down starves, and the loop that shows it gives everyone a turn', async (t) => {
  function* poll({ x }: Cells): Operation {
    yield* loop(null, function* () {
      return (yield* load(x)) === 1 ? again(null) : undefined;
    });
  }
  function* blink({ x }: Cells): Operation {
    yield* store(x, 0);
    yield* store(x, 1);
  }
  const result = await checkTiny(
    variant({
      objects: { cells },
      start: { 'cells.x': { value: 1 } },
      threads: (o) => ({ poller: [call(poll, o.cells)], blinker: task([call(blink, o.cells)], { forever: true }) }),
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), ['starvation cells.x load..store']);
  const [finding] = result.findings;
  const loopSteps = finding?.trace?.steps.filter(({ index }) => index >= (finding.loopFrom ?? Infinity));
  t.deepEqual([...new Set(loopSteps?.map(({ thread, c }) => `${thread}: ${c}`))].toSorted(), [
    'blinker: cells->x = 0',
    'blinker: cells->x = 1',
    'poller: cells->x',
  ]);
});

const processor = struct('processor', { cpu: cpu(), rcu: rcu_state(), x: field<number>(0) });
type Processor = HandleTo<typeof processor>;

test('a thread that its CPU keeps from running, before a lock that it may take again, does not lock itself out', async (t) => {
  function* read_twice({ rcu }: Processor): Operation {
    yield* rcu_read_lock(rcu);
    yield* rcu_read_lock(rcu);
    yield* rcu_read_unlock(rcu);
    yield* rcu_read_unlock(rcu);
  }
  function* irq({ cpu, x }: Processor): Operation {
    yield* interrupt(cpu, () => store(x, 1));
  }
  const result = await checkTiny(
    variant({
      objects: { p: processor },
      threads: ({ p }) => ({
        reader: task([call(read_twice, p)], { cpu: p.cpu }),
        handler: daemon([call(irq, p)]),
      }),
      expect: [],
    }),
  );
  t.deepEqual(summaries(result), []);
  t.true(result.exhaustive);
});
