/**
 * Random programs over the primitives, with loops, memory and all kinds of threads: whatever a random run on live actors
 * meets, the search has met too, and whatever the search finds is confirmed and can be replayed.
 */
import { fc, testProp } from '@fast-check/ava';
import { again, choose, kfree, kzalloc, loop, type Operation, task_work_add, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion_timeout } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_lock_interruptible, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { refcount_dec_and_test, refcount_inc_not_zero } from '../../actors/sync/refcount.ts';
import { down_read, down_write, up_read, up_write } from '../../actors/sync/rwsem.ts';
import { globals, type HandleTo, NULL, pool, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { refcount } from '../../machines/sync/refcount.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { explore } from '../../src/explore/plain-search.ts';
import {
  call,
  daemon,
  formatSchedule,
  LiveRun,
  parseSchedule,
  random,
  replay,
  type Strategy,
  task,
  type Variant,
  variant,
} from '../../src/index.ts';
import { leaveOut } from '../../src/model/leave-out.ts';
import { Program } from '../../src/tables/program.ts';
import { checkTiny } from '../helpers/tiny.ts';

const device = struct('device', { n: field<number>(0), lock: mutex(), refs: refcount(1) });
interface Device extends HandleTo<typeof device> {}
const bus = globals('bus', { x: field<number>(0), m: mutex(), sem: rwsem(), done: completion(), p: pointer<Device>() });
interface Objects {
  readonly bus: HandleTo<typeof bus>;
  readonly device: Device;
  readonly extra: Device;
}

/** Each is balanced by itself, or nearly. */
const operations = {
  *set({ bus, device }: Objects) {
    yield* store(bus.x, 1);
    yield* store(device.n, 1);
  },
  *count({ device }: Objects) {
    yield* mutex_lock(device.lock);
    yield* store(device.n, ((yield* load(device.n)) + 1) % 3);
    yield* mutex_unlock(device.lock);
  },
  *nest({ bus, device }: Objects) {
    yield* mutex_lock(bus.m);
    yield* mutex_lock(device.lock);
    yield* mutex_unlock(bus.m);
    yield* mutex_unlock(device.lock);
  },
  *nest_other({ bus, device }: Objects) {
    yield* mutex_lock(device.lock);
    if ((yield* mutex_lock_interruptible(bus.m)) === 0) yield* mutex_unlock(bus.m);
    yield* mutex_unlock(device.lock);
  },
  *forget({ bus }: Objects) {
    if (yield* mutex_trylock(bus.m)) yield* WARN_ON((yield* load(bus.x)) === 1, 'x');
  },
  *put({ device }: Objects) {
    if (yield* refcount_dec_and_test(device.refs)) yield* kfree(device);
  },
  *get_and_put({ device }: Objects) {
    if (!(yield* refcount_inc_not_zero(device.refs))) return;
    yield* load(device.n);
    if (yield* refcount_dec_and_test(device.refs)) yield* task_work_add(() => kfree(device));
  },
  *allocate({ bus, extra }: Objects) {
    const made = yield* kzalloc(extra);
    yield* store(bus.p, made);
    yield* store(made.n, 2);
  },
  *release({ bus }: Objects) {
    const found = yield* load(bus.p);
    yield* store(bus.p, NULL);
    yield* kfree(found);
  },
  *follow({ bus }: Objects) {
    const found = yield* load(bus.p);
    if (found !== NULL) yield* load((found as Device).n);
  },
  *poll({ bus }: Objects) {
    yield* loop<number, undefined>(0, function* (turn) {
      if ((yield* load(bus.x)) === 1) return undefined;
      return again(Math.min(turn + 1, 2));
    });
  },
  *poll_locked({ bus, device }: Objects) {
    yield* mutex_lock(bus.m);
    yield* mutex_lock(device.lock);
    yield* loop(null, function* () {
      if ((yield* load(bus.x)) === 1) return undefined;
      yield* mutex_unlock(bus.m);
      yield* mutex_lock(bus.m);
      return again(null);
    });
    yield* mutex_unlock(device.lock);
    yield* mutex_unlock(bus.m);
  },
  *patient({ bus }: Objects) {
    yield* loop(null, function* () {
      return (yield* wait_for_completion_timeout(bus.done)) === 0 && (yield* load(bus.x)) === 0 ? again(null) : undefined;
    });
  },
  *finish({ bus }: Objects) {
    if ((yield* choose('finish', 'now', 'not at all')) === 'now') yield* complete(bus.done);
  },
  *reader({ bus }: Objects) {
    yield* down_read(bus.sem);
    yield* load(bus.x);
    yield* up_read(bus.sem);
  },
  *writer({ bus }: Objects) {
    yield* down_write(bus.sem);
    yield* store(bus.x, 2);
    yield* up_write(bus.sem);
  },
} satisfies { readonly [name: string]: (objects: Objects) => Operation<unknown> };

type Name = keyof typeof operations;
const names = fc.constantFrom(...(Object.keys(operations) as Name[]));
const threads = fc.array(
  fc.record({
    calls: fc.array(names, { minLength: 1, maxLength: 2 }),
    kind: fc.constantFrom('task' as const, 'task' as const, 'daemon' as const),
    forever: fc.boolean(),
  }),
  { minLength: 2, maxLength: 3 },
);
type Threads = typeof threads extends fc.Arbitrary<infer T> ? T : never;

const variantOf = (those: Threads): Variant =>
  variant({
    objects: { bus, device, extra: pool(device, 2) },
    threads: (o) =>
      Object.fromEntries(
        those.map(({ calls, kind, forever }, i) => [
          `t${i}`,
          (kind === 'task' ? task : daemon)(
            calls.map((name) => call(operations[name] as (objects: Objects) => Operation<unknown>, o)),
            // The memory of a pool comes to an end, and so does what a completion counts.
            { forever: forever && !calls.includes('allocate') && !calls.includes('finish') },
          ),
        ]),
      ),
    atEnd: { 'x was set': ({ bus }) => bus.x.value > 0 },
    expect: [],
  });

/** A random run, as long as it need not end. */
function some(seed: number, steps: number): Strategy {
  const strategy = random(seed);
  let taken = 0;
  return { name: strategy.name, choose: (options, last) => (taken++ < steps ? strategy.choose(options, last) : null) };
}

testProp(
  'a random run on live actors goes where the search has been and meets nothing that it has not found, which can be replayed',
  [threads, fc.integer()],
  async (t, those, seed) => {
    const design = variantOf(those);
    const result = await checkTiny(design, 20_000);
    fc.pre(result.exhaustive);
    const found = [...result.findings, ...result.consequences];
    for (const { schedule, trace } of found) {
      if (schedule === null || trace === null) continue;
      const strategy = replay(parseSchedule(formatSchedule(schedule)));
      t.deepEqual((await new LiveRun(leaveOut(design, schedule.without)).run(strategy)).steps, trace.steps);
      t.is(strategy.diverged, null);
    }

    const run = await new LiveRun(design).run(some(seed, 60));
    for (const { splats, thread } of run.steps)
      for (const { kind, text } of splats)
        t.true(
          found.some(({ fault }) => fault.kind === kind && fault.text === text),
          `${thread}: ${text}`,
        );
    const search = explore(new Program(design), design, { maxStates: 20_000 });
    let turn = search.next();
    while (!turn.done) turn = search.next(null);
    const { program, visited } = turn.value;
    const state = new Int32Array(program.width);
    t.true(
      Array.from({ length: visited.size }, (_, id) => id).some((id) => {
        visited.get(id, state);
        return (
          run.positions.every((key, i) => program.position(state, i).key === key) &&
          run.conditions.every((condition, slot) => {
            const { value, context } = program.snapshot(state, slot);
            return condition === JSON.stringify({ state: typeof value === 'string' ? value : JSON.stringify(value), context });
          })
        );
      }),
    );
  },
  { numRuns: Number(process.env['ORACLE_RUNS'] ?? 60) },
);
