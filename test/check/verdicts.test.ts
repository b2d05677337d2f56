/** Programs on which a verdict was wrong: what is found in each, and nothing else. */
import test from 'ava';
import { assign } from 'xstate';
import { access, again, along, choose, kfree, loop, message, type Operation, oneOf, send, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_lock_interruptible, mutex_unlock } from '../../actors/sync/mutex.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { done, globals, type Handle, type HandleTo, part, setupObject, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import {
  call,
  daemon,
  formatSchedule,
  LiveRun,
  local,
  parseSchedule,
  replay,
  task,
  type Variant,
  variant,
} from '../../src/index.ts';
import { leaveOut } from '../../src/model/leave-out.ts';
import { type Cells, cells, checkTiny, read, summaries, write } from '../helpers/tiny.ts';

const device = struct('device', {
  lock: mutex(),
  other: mutex(),
  done: completion(),
  n: field<number>(0),
  next: pointer<{ readonly path: string }>(),
});
interface Device extends HandleTo<typeof device> {}
const gate = globals('gate', { sem: rwsem(), x: field<number>(0) });
type Gate = HandleTo<typeof gate>;
const objects = { device, cells, gate };
const forever = { forever: true };

interface Found {
  readonly findings?: readonly string[];
  readonly consequences?: readonly string[];
}
const finds = (what: string, make: () => Variant, { findings = [], consequences = [] }: Found = {}) => {
  test(what, async (t) => {
    const design = make();
    const result = await checkTiny(design);
    t.true(result.exhaustive);
    t.deepEqual(summaries(result).toSorted(), findings.toSorted());
    t.deepEqual(summaries({ findings: result.consequences }).toSorted(), consequences.toSorted());
    for (const { schedule, trace } of result.findings) {
      if (schedule === null || trace === null) continue;
      const strategy = replay(parseSchedule(formatSchedule(schedule)));
      t.deepEqual((await new LiveRun(leaveOut(design, schedule.without)).run(strategy)).steps, trace.steps);
      t.is(strategy.diverged, null);
    }
  });
};

// Loops and fairness

function* looks_once({ x }: Cells): Operation {
  yield* loop(null, function* () {
    yield* load(x);
    return undefined;
  });
}
finds('a call that begins with a loop and always returns starves nobody, though it is made again and again', () =>
  variant({ objects, threads: (o) => ({ a: task([call(looks_once, o.cells)], forever) }), expect: [] }),
);

function* poll({ x }: Cells): Operation {
  yield* loop(null, function* () {
    return (yield* load(x)) === 0 ? again(null) : undefined;
  });
}
function* blink({ x }: Cells): Operation {
  yield* store(x, 1);
  yield* store(x, 0);
}
function* wait({ done: ready }: Device): Operation {
  yield* wait_for_completion(ready);
}
finds(
  'a thread that starves in one call and hangs in the next does both',
  () =>
    variant({
      objects,
      threads: (o) => ({ a: [call(poll, o.cells), call(wait, o.device)], b: task([call(blink, o.cells)], forever) }),
      expect: [],
    }),
  { findings: ['starvation cells.x load..store', 'hung-task device.done wait_for_completion..store'] },
);

function* insist({ m }: Cells, lockFirst: boolean): Operation {
  yield* loop(null, function* () {
    if (lockFirst) return (yield* mutex_lock_interruptible(m)) < 0 ? again(null) : undefined;
    const { way } = yield* oneOf({ signal: message('read', m, 'signal'), locked: message('acquire', m, 'mutex_lock') });
    return way === 'signal' ? again(null) : undefined;
  });
  yield* mutex_unlock(m);
}
function* locks({ m }: Cells): Operation {
  yield* mutex_lock(m);
  yield* mutex_unlock(m);
}
for (const lockFirst of [true, false])
  finds(`who tries to lock again after each signal gets the lock, whichever way of the step stands first (${lockFirst})`, () =>
    variant({
      objects,
      threads: (o) => ({ a: [call(insist, o.cells, lockFirst)], b: task([call(locks, o.cells)], forever) }),
      expect: [],
    }),
  );

function* reads({ sem, x }: Gate): Operation {
  yield* down_read(sem);
  yield* WARN_ON((yield* load(x)) === 1, 'between two writers');
  yield* up_read(sem);
}
function* writes({ sem, x }: Gate, value: number): Operation {
  yield* down_write(sem);
  yield* store(x, value);
  yield* up_write(sem);
}
finds('two writers in turn do not starve a reader', () =>
  variant({
    objects,
    threads: (o) => ({
      r: [call(reads, o.gate)],
      v: task([call(writes, o.gate, 0)], forever),
      w: task([call(writes, o.gate, 0)], forever),
    }),
    expect: [],
  }),
);
finds(
  'a reader that waits for one writer may come before the next, though that one waits, too',
  () => {
    const asks = access<{ down_write: { reply: boolean } }, 'down_write'>({ kind: 'acquire', try: true }, 'down_write');
    // The second comes when the first has the lock, and the first goes on when the second waits.
    function* first(g: Gate, holds: Device, waits: Device): Operation {
      yield* down_write(g.sem);
      yield* complete(holds.done);
      yield* wait_for_completion(waits.done);
      yield* store(g.x, 1);
      yield* up_write(g.sem);
    }
    function* second(g: Gate, holds: Device, waits: Device): Operation {
      yield* wait_for_completion(holds.done);
      yield* asks(g.sem);
      yield* complete(waits.done);
      yield* send(message('acquire', g.sem, 'rwsem_down_write_slowpath'));
      yield* store(g.x, 0);
      yield* up_write(g.sem);
    }
    return variant({
      objects: { ...objects, waits: device },
      threads: (o) => ({
        r: [call(reads, o.gate)],
        v: [call(first, o.gate, o.device, o.waits)],
        w: [call(second, o.gate, o.device, o.waits)],
      }),
      expect: [],
    });
  },
  { findings: ['warn reads'] },
);

type Door = { open: object; shut: object; pass: object };
const door = globals('door', {
  leaf: part<Door, object>(
    setupObject<{ open: boolean }, Door>().createMachine({
      id: 'door',
      context: ({ input }) => input,
      on: {
        open: { actions: [assign({ open: true }), done] },
        shut: { actions: [assign({ open: false }), done] },
        pass: { guard: ({ context }) => context.open, actions: done },
      },
    }),
    { open: false },
  ),
});
const open = access<Door, 'open'>('update', 'open');
const shut = access<Door, 'shut'>('update', 'shut');
const pass = access<Door, 'pass'>('wait', 'pass');
finds(
  'a task that is woken only after a finding is not hung: others may keep it waiting, and that is starvation',
  () =>
    variant({
      objects: { ...objects, door },
      threads: (o) => ({
        a: [call(wait, o.device)],
        b: [
          call(
            function* wakes({ leaf }: HandleTo<typeof door>, { done: ready }: Device): Operation {
              yield* pass(leaf);
              yield* WARN_ON(true, 'inside');
              yield* complete(ready);
            },
            o.door,
            o.device,
          ),
        ],
        c: task([call(open, o.door.leaf), call(shut, o.door.leaf)], forever),
      }),
      expect: [],
    }),
  {
    findings: ['starvation device.done wait_for_completion..open', 'starvation door.leaf pass..open', 'warn wakes'],
  },
);

// Deadlocks

const nest = (first: Handle<Mutex>, second: Handle<Mutex>) =>
  call(function* nests(): Operation {
    yield* mutex_lock(first);
    yield* mutex_lock(second);
    yield* mutex_unlock(second);
    yield* mutex_unlock(first);
  });
function* locks_twice({ m }: Cells): Operation {
  yield* mutex_lock(m);
  yield* mutex_lock(m);
}
function* lock({ lock: l }: Device): Operation {
  yield* mutex_lock(l);
  yield* mutex_unlock(l);
}
finds(
  'a task that waits for the lock of a daemon hangs if that daemon waits for what nobody will do',
  () =>
    variant({
      objects,
      threads: (o) => ({
        a: [call(lock, o.device)],
        w: daemon([
          call(function* waits_locked(d: Device): Operation {
            yield* mutex_lock(d.lock);
            yield* wait_for_completion(d.done);
            yield* mutex_unlock(d.lock);
          }, o.device),
        ]),
      }),
      expect: [],
    }),
  { findings: ['deadlock device.lock mutex_lock..wait_for_completion'] },
);
finds(
  'two daemons that lock each other out are a deadlock, though a daemon may be left waiting for work',
  () =>
    variant({
      objects,
      threads: ({ device: d }) => ({
        a: [call(read, d.n)],
        v: daemon([nest(d.lock, d.other)]),
        w: daemon([nest(d.other, d.lock)]),
      }),
      expect: [],
    }),
  { findings: ['deadlock device.other mutex_lock..mutex_lock', 'lock-order device.lock mutex_lock..mutex_lock'] },
);
finds(
  'a daemon that waits for a lock which a task has kept is a deadlock',
  () =>
    variant({
      objects,
      threads: (o) => ({
        a: [call(mutex_lock, o.device.lock)],
        w: daemon([call(lock, o.device)]),
        v: daemon([call(wait, o.device)]),
      }),
      expect: [],
    }),
  {
    findings: ['lock-held-at-exit device.lock mutex_lock..return'],
    consequences: ['deadlock device.lock mutex_lock..mutex_lock'],
  },
);
finds(
  'a thread that locks itself out hides neither two others that do so to each other',
  () =>
    variant({
      objects,
      threads: ({ device: d, cells: c }) => ({
        a: [call(locks_twice, c)],
        b: [nest(d.lock, d.other)],
        c: [nest(d.other, d.lock)],
      }),
      expect: [],
    }),
  {
    findings: ['lock-order device.lock mutex_lock..mutex_lock', 'self-deadlock cells.m mutex_lock..mutex_lock'],
    consequences: ['deadlock device.other mutex_lock..mutex_lock'],
  },
);
finds(
  'nor one that waits for what nobody will do',
  () => variant({ objects, threads: (o) => ({ a: [call(locks_twice, o.cells)], b: [call(wait, o.device)] }), expect: [] }),
  {
    findings: ['self-deadlock cells.m mutex_lock..mutex_lock'],
    consequences: ['deadlock device.done wait_for_completion..wait_for_completion'],
  },
);
finds(
  'a deadlock of two among three is one finding, whichever two they are',
  () =>
    variant({
      objects,
      threads: ({ device: d }) => ({ a: [nest(d.lock, d.other)], b: [nest(d.other, d.lock)], c: [nest(d.lock, d.other)] }),
      expect: [],
    }),
  { findings: ['deadlock device.other mutex_lock..mutex_lock', 'lock-order device.lock mutex_lock..mutex_lock'] },
);
test('a deadlock is told of the threads that stand in it at the end of its counterexample', async (t) => {
  const design = variant({
    objects,
    threads: ({ device: d }) => ({
      a: [nest(d.lock, d.other)],
      b: [nest(d.other, d.lock)],
      c: [nest(d.lock, d.other)],
    }),
    expect: [],
  });
  const [finding] = (await checkTiny(design)).findings;
  const stuck = finding?.trace?.standing.filter(({ blocked }) => blocked).map(({ thread }) => thread) ?? [];
  t.true(finding?.fault.sites.every(({ thread }) => stuck.includes(thread)));
  t.true(finding?.fault.sites.every(({ thread }) => finding.message.includes(thread)));
});

// Memory

function* frees_next({ next }: Device): Operation {
  yield* kfree(yield* load(next));
}
finds('to free NULL does nothing', () => variant({ objects, threads: (o) => ({ a: [call(frees_next, o.device)] }), expect: [] }));
finds(
  'a free that cannot be told to what has been freed itself frees nothing',
  () =>
    variant({
      objects: { ...objects, chart: device },
      threads: (o) => ({
        a: [
          call(
            function* frees_along(d: Device, chart: Device): Operation {
              yield* along(kfree(d), message('update', chart.n, 'store', { value: 1 }));
            },
            o.device,
            o.chart,
          ),
        ],
        b: [
          call(function* frees(chart: Device): Operation {
            yield* kfree(chart);
          }, o.chart),
        ],
      }),
      expect: [],
    }),
  { findings: ['use-after-free chart kfree..kfree'] },
);

// What is said, and what is answered

type Sink = {
  touch: { reply: number };
  put: { with: { list: readonly { path: string }[] } };
  get: { reply: readonly { path: string }[] };
};
const sink = globals('sink', {
  part: part<Sink, object>(
    setupObject<{ n: number; list: readonly string[] }, Sink>().createMachine({
      id: 'sink',
      context: ({ input }: { input: { n: number; list: readonly string[] } }) => input,
      on: {
        touch: {
          actions: [
            { type: 'answer', params: ({ context }: { context: { n: number } }) => ({ value: context.n }) },
            assign({ n: ({ context }: { context: { n: number } }) => (context.n + 1) % 3 }),
          ],
        },
        put: {
          actions: [
            assign({ list: ({ event }: { event: { list: readonly { at: string }[] } }) => event.list.map(({ at }) => at) }),
            done,
          ],
        },
        get: {
          actions: {
            type: 'answer',
            params: ({ context }: { context: { list: readonly string[] } }) => ({ value: context.list.map((at) => ({ at })) }),
          },
        },
      },
    } as never) as never,
    { n: 1, list: [] },
  ),
});
type SinkHandle = HandleTo<typeof sink>;
const touch = access<Sink, 'touch'>('update', 'touch');
const put = access<Sink, 'put'>('update', 'put');
const get = access<Sink, 'get'>('read', 'get');
const touched = local<number>('touched');
finds('an event that is called as the checker calls its own has the reply of its object', () =>
  variant({
    objects: { sink },
    threads: (o) => ({ a: [call(touch, o.sink.part).into(touched)] }),
    atEnd: { 'it was 1': ({ result }) => result(touched) === 1 },
    expect: [],
  }),
);
finds('handles go in lists as they go alone', () =>
  variant({
    objects: { sink, device },
    threads: (o) => ({
      a: [
        call(
          function* lists(s: SinkHandle, d: Device): Operation {
            yield* put(s.part, { list: [d, d.n] });
            const [first, second] = yield* get(s.part);
            yield* WARN_ON(first !== d || second !== d.n, 'other handles');
          },
          o.sink,
          o.device,
        ),
      ],
    }),
    expect: [],
  }),
);
finds(
  'a choice of one way is that way',
  () =>
    variant({
      objects,
      threads: () => ({
        a: [
          call(function* has_no_choice(): Operation {
            yield* WARN_ON((yield* choose('the only', 'way')) === 'way', 'it was taken');
          }),
        ],
      }),
      expect: [],
    }),
  { findings: ['warn has_no_choice choose..WARN'] },
);
finds(
  'a way whose name is several words is one word in a schedule',
  () =>
    variant({
      objects,
      threads: () => ({
        a: [
          call(function* allocates(): Operation {
            yield* WARN_ON((yield* choose('kmalloc', 'ok', 'no memory')) === 'no memory', 'failed');
          }),
        ],
      }),
      expect: [],
    }),
  { findings: ['warn allocates choose..WARN'] },
);

// What was searched

test('what must hold at the end was not searched for where nothing ends', async (t) => {
  const design = (isForever: boolean) =>
    variant({
      objects,
      threads: (o) => ({ a: [call(write, o.cells.x, 1)], b: daemon([call(read, o.cells.y)], { forever: isForever }) }),
      atEnd: { 'x is 0': ({ cells }) => cells.x.value === 0 },
      leaks: { cells: ({ cells }) => cells.x.value },
      expect: [],
    });
  const ends = await checkTiny(design(false));
  t.deepEqual(
    ends.findings.map(({ kind }) => kind),
    ['end-state', 'leak'],
  );
  t.true(ends.searched.includes('end-state') && ends.searched.includes('leak'));
  const goesOn = await checkTiny(design(true));
  t.deepEqual(goesOn.findings, []);
  t.false(goesOn.searched.includes('end-state') || goesOn.searched.includes('leak'));
});
