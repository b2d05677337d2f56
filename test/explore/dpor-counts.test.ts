/** Published numbers of Mazurkiewicz traces, and of bad ones among them: optimal DPOR has one run for each, none cut short. */
import test from 'ava';
import type { Operation } from '../../actors/step.ts';
import { atomic_dec_and_test, atomic_inc } from '../../actors/sync/atomic.ts';
import { READ_ONCE, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { globals, type Handle, type HandleTo } from '../../machines/object.ts';
import { atomic } from '../../machines/sync/atomic.ts';
import { type Field, field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, local, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { programs } from '../helpers/published.ts';
import { traced } from '../helpers/traced.ts';

for (const { name, make, traces, dependence } of programs.filter(({ slow }) => !slow))
  test(`${name} has ${traces} traces by ${dependence}`, (t) => {
    const result = traced(make(), { dependence });
    t.deepEqual([result.traces, result.cutShort, result.cut], [traces, 0, null]);
  });

const bank = globals('bank', {
  m: mutex(),
  balance: field<number>(1),
  deposited: field<number>(0),
  withdrawn: field<number>(0),
});
type Bank = HandleTo<typeof bank>;
type N = Handle<Field<number>>;
function* add(to: N, n: number): Operation {
  yield* WRITE_ONCE(to, (yield* READ_ONCE(to)) + n);
}
function* move({ m, balance }: Bank, n: number, done: N): Operation {
  yield* mutex_lock(m);
  yield* add(balance, n);
  yield* WRITE_ONCE(done, 1);
  yield* mutex_unlock(m);
}
/** @returns whether the assertion holds */
function* audit({ m, balance, deposited, withdrawn }: Bank): Operation<boolean> {
  yield* mutex_lock(m);
  const isDone = (yield* READ_ONCE(deposited)) === 1 && (yield* READ_ONCE(withdrawn)) === 1;
  const holds = !isDone || (yield* READ_ONCE(balance)) === -5;
  yield* mutex_unlock(m);
  return holds;
}

const holds = local<boolean>('holds');
const account = variant({
  objects: { bank },
  threads: ({ bank: it }) => ({
    deposit: [call(move, it, 2, it.deposited)],
    withdraw: [call(move, it, -4, it.withdrawn)],
    check: [call(audit, it).into(holds)],
  }),
  expect: [],
});

const driver = globals('driver', {
  io: atomic(1),
  stopping: field<number>(0),
  event: field<number>(0),
  stopped: field<number>(0),
});
type Driver = HandleTo<typeof driver>;
function* put({ io, event }: Driver): Operation {
  if (yield* atomic_dec_and_test(io)) yield* WRITE_ONCE(event, 1);
}
function* stop(it: Driver): Operation {
  yield* WRITE_ONCE(it.stopping, 1);
  yield* put(it);
  if ((yield* READ_ONCE(it.event)) === 1) yield* WRITE_ONCE(it.stopped, 1);
}
function* start(it: Driver): Operation<boolean> {
  let isOk = true;
  if ((yield* READ_ONCE(it.stopping)) === 0) {
    yield* atomic_inc(it.io);
    isOk = (yield* READ_ONCE(it.stopped)) === 0;
  }
  yield* put(it);
  return isOk;
}
const bluetooth = variant({
  objects: { driver },
  threads: ({ driver: it }) => ({ stop: [call(stop, it)], start: [call(start, it).into(holds)] }),
  expect: [],
});

const guarded = globals('guarded', { d: field<number>(0), right: mutex(), wrong: mutex() });
type Guarded = HandleTo<typeof guarded>;
function* check({ d, right }: Guarded): Operation<boolean> {
  yield* mutex_lock(right);
  const x = yield* READ_ONCE(d);
  yield* add(d, 1);
  const isOk = (yield* READ_ONCE(d)) === x + 1;
  yield* mutex_unlock(right);
  return isOk;
}
function* bump({ d, wrong }: Guarded): Operation {
  yield* mutex_lock(wrong);
  yield* add(d, 1);
  yield* mutex_unlock(wrong);
}
const wronglock = variant({
  objects: { guarded },
  threads: ({ guarded: it }) => ({ check: [call(check, it).into(holds)], bump: [call(bump, it)] }),
  expect: [],
});

for (const [name, design, bad, all] of [
  ['account', account, 2, 6],
  ['bluetooth', bluetooth, 1, 10],
  ['wronglock', wronglock, 2, 7],
] as const)
  test(`in ${name} the assertion fails in ${bad} of ${all} traces`, (t) => {
    t.deepEqual(badOf(design), [bad, all]);
  });

function badOf(design: Variant): readonly [bad: number, all: number] {
  const program = new Program(design);
  const checker = program.world.threads.findIndex(({ calls }) => calls.some(({ result }) => result !== null));
  let bad = 0;
  const onEnd = (state: Int32Array) => {
    if (program.position(state, checker).root.locals[holds.local] === false) bad++;
  };
  const { traces, cutShort } = traced(design, { onEnd }, program);
  return [bad, cutShort === 0 ? traces : NaN];
}
