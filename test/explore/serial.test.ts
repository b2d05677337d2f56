/**
 * The comparison with serial orders against brute force, on random programs: every schedule is played one by one on plain
 * numbers, and a schedule is an order of whole operations if the steps of each call stand together in it.
 */
import { fc, testProp } from '@fast-check/ava';
import { choose, type Operation } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { globals, type HandleTo } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { compareEnds } from '../../src/explore/serial-compare.ts';
import { endsOf } from '../../src/explore/serial-ends.ts';
import { findSerialOrders } from '../../src/explore/serial-orders.ts';
import { Outcomes } from '../../src/explore/serial-outcome.ts';
import { explore } from '../../src/explore/plain-search.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { checkTiny } from '../helpers/tiny.ts';

/** A call: what it does, one step each, and whether it holds the lock meanwhile. It returns all that it was told. */
interface Code {
  readonly body: readonly Instruction[];
  readonly lock: 'none' | 'lock' | 'trylock';
}
type Instruction =
  | { readonly does: 'load' | 'add'; readonly cell: 'x' | 'y' }
  | { readonly does: 'store'; readonly cell: 'x' | 'y'; readonly value: number }
  | { readonly does: 'choose' | 'complete' | 'wait' };
type Case = readonly (readonly Code[])[];

const o = globals('o', { x: field<number>(0), y: field<number>(0), a: completion(), m: mutex() });

const cell = fc.constantFrom('x' as const, 'y' as const);
const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constantFrom('load' as const, 'add' as const), cell }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('store' as const), cell, value: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('choose' as const, 'complete' as const, 'wait' as const) }) },
);
const code: fc.Arbitrary<Code> = fc.record({
  body: fc.array(instruction, { minLength: 1, maxLength: 3 }),
  lock: fc.oneof(
    { weight: 4, arbitrary: fc.constant('none' as const) },
    { weight: 1, arbitrary: fc.constantFrom('lock' as const, 'trylock' as const) },
  ),
});
const cases: fc.Arbitrary<Case> = fc.oneof(
  fc.array(fc.array(code, { minLength: 1, maxLength: 2 }), { minLength: 2, maxLength: 2 }),
  fc.array(fc.array(code, { minLength: 1, maxLength: 1 }), { minLength: 3, maxLength: 3 }),
);

function* play({ x, y, a, m }: HandleTo<typeof o>, { body, lock }: Code): Operation<readonly number[]> {
  const told: number[] = [];
  if (lock === 'lock') yield* mutex_lock(m);
  if (lock === 'trylock' && !(yield* mutex_trylock(m))) return [-16];
  for (const step of body) {
    if (step.does === 'load') told.push(yield* load(step.cell === 'x' ? x : y));
    else if (step.does === 'store') yield* store(step.cell === 'x' ? x : y, step.value);
    else if (step.does === 'add') yield* store(step.cell === 'x' ? x : y, told.length + told.reduce((sum, n) => sum + n, 0));
    else if (step.does === 'choose') told.push((yield* choose('it', 'works', 'fails')) === 'works' ? 0 : -12);
    else if (step.does === 'complete') yield* complete(a);
    else yield* wait_for_completion(a);
  }
  if (lock !== 'none') yield* mutex_unlock(m);
  return told;
}

const variantOf = (threads: Case): Variant =>
  variant({
    objects: { o },
    threads: (objects) =>
      Object.fromEntries(threads.map((calls, i) => [`t${i}`, calls.map((one) => call(play, objects.o, one as never))])),
    serialisable: ['o.x', 'o.y', 'o.a'],
    expect: [],
  });

/** Where everybody is, in the naive world. */
interface State {
  readonly x: number;
  readonly y: number;
  readonly done: number;
  readonly locked: boolean;
  readonly threads: readonly { readonly call: number; readonly pc: number; readonly told: readonly number[] }[];
  readonly results: readonly (readonly number[])[][];
}

const lengthOf = ({ body, lock }: Code): number => body.length + (lock === 'none' ? 0 : 2);

/** What the next step of a thread can lead to: none where it must wait, or is at its end. */
function after(threads: Case, state: State, t: number): readonly State[] {
  const at = state.threads[t] as State['threads'][number];
  const now = threads[t]?.[at.call];
  if (now === undefined) return [];
  const { lock, body } = now;
  const goOn = (more: Partial<State>, told: readonly number[], returns = false): State => {
    const ends = returns || at.pc + 1 === lengthOf(now);
    const then = ends ? { call: at.call + 1, pc: 0, told: [] } : { call: at.call, pc: at.pc + 1, told };
    return {
      ...state,
      ...more,
      threads: state.threads.map((old, i) => (i === t ? then : old)),
      results: state.results.map((old, i) => (i === t && ends ? [...old, told] : old)),
    };
  };
  if (lock !== 'none' && at.pc === 0) {
    if (!state.locked) return [goOn({ locked: true }, at.told)];
    return lock === 'trylock' ? [goOn({}, [-16], true)] : [];
  }
  const step = body[at.pc - (lock === 'none' ? 0 : 1)];
  if (step === undefined) return [goOn({ locked: false }, at.told)];
  switch (step.does) {
    case 'load':
      return [goOn({}, [...at.told, state[step.cell]])];
    case 'store':
      return [goOn({ [step.cell]: step.value }, at.told)];
    case 'add':
      return [goOn({ [step.cell]: at.told.length + at.told.reduce((sum, n) => sum + n, 0) }, at.told)];
    case 'choose':
      return [0, -12].map((told) => goOn({}, [...at.told, told]));
    case 'complete':
      return [goOn({ done: state.done + 1 }, at.told)];
    case 'wait':
      return state.done > 0 ? [goOn({ done: state.done - 1 }, at.told)] : [];
  }
}

const MOST_RUNS = 60_000;

/** Plays every schedule. @returns by outcome the fewest preemptions, and of the serial ones the least order of threads */
function bruteForce(threads: Case) {
  const all = new Map<string, number>();
  const serial = new Map<string, readonly number[]>();
  let runs = 0;
  const visit = (state: State, last: number | null, preemptions: number, isSerial: boolean, order: readonly number[]) => {
    if (++runs > MOST_RUNS) return;
    const next = threads.map((_, t) => after(threads, state, t));
    if (next.every(({ length }) => length === 0)) {
      if (state.threads.some(({ call: at }, t) => at < (threads[t]?.length ?? 0))) return;
      const outcome = JSON.stringify([state.x, state.y, state.done, ...state.results.flat()].map((each) => JSON.stringify(each)));
      all.set(outcome, Math.min(preemptions, all.get(outcome) ?? Infinity));
      if (isSerial && (!serial.has(outcome) || String(order) < String(serial.get(outcome)))) serial.set(outcome, order);
      return;
    }
    for (const [t, those] of next.entries())
      for (const then of those) {
        const begins = state.threads[t]?.pc === 0;
        const isWithin = last !== null && last !== t && state.threads[last]?.pc !== 0;
        const preempts = last !== null && last !== t && (next[last]?.length ?? 0) > 0 ? 1 : 0;
        visit(then, t, preemptions + preempts, isSerial && !isWithin, begins ? [...order, t] : order);
      }
  };
  const start = threads.map(() => ({ call: 0, pc: 0, told: [] }));
  visit({ x: 0, y: 0, done: 0, locked: false, threads: start, results: threads.map(() => []) }, null, 0, true, []);
  return { all, serial, isComplete: runs <= MOST_RUNS };
}

function ended<R>(search: Generator<unknown, R, string | null>): R {
  let turn = search.next();
  while (!turn.done) turn = search.next(null);
  return turn.value;
}

testProp(
  'outcomes of all interleavings, of all orders of whole operations, and the least order of each, are those of brute force',
  [cases],
  (t, threads) => {
    const { all, serial, isComplete } = bruteForce(threads);
    fc.pre(isComplete);
    const it = variantOf(threads);
    const program = new Program(it);
    const explored = ended(explore(program, it, { maxStates: 200_000 }));
    const outcomes = new Outcomes(program, it.serialisable ?? []);
    const orders = ended(findSerialOrders(program, outcomes, 200_000));
    t.deepEqual(
      [...orders.outcomes]
        .map(
          ([key, one]) =>
            `${key} ${one
              .order()
              .map(({ thread }) => thread.slice(1))
              .join(' ')}`,
        )
        .toSorted(),
      [...serial].map(([key, order]) => `${key} ${order.join(' ')}`).toSorted(),
    );
    if (serial.size === 0) return;
    const compared = ended(compareEnds({ program, judge: explored.judge, outcomes, orders }, endsOf(explored)));
    t.is(compared.outcomes, all.size);
    t.deepEqual(
      compared.unserial.flatMap(({ keys }) => [...keys]).toSorted(),
      [...all.keys()].filter((outcome) => !serial.has(outcome)).toSorted(),
    );
  },
  { numRuns: 300 },
);

testProp(
  'a finding has the fewest preemptions that lead to an outcome like it, and as few differences as any order has',
  [cases],
  async (t, threads) => {
    const { all, serial, isComplete } = bruteForce(threads);
    fc.pre(isComplete);
    const result = await checkTiny(variantOf(threads));
    const unserial = result.findings.filter(({ kind }) => kind === 'non-serialisable');
    const none = [...all].filter(([outcome]) => !serial.has(outcome));
    t.is(unserial.length > 0, serial.size > 0 && none.length > 0);
    if (unserial.length === 0) return;
    t.is(Math.min(...unserial.map(({ preemptions }) => preemptions)), Math.min(...none.map(([, preemptions]) => preemptions)));
    t.is(
      unserial.reduce((sum, finding) => sum + (finding.serial?.outcomes ?? 0), 0),
      none.length,
    );
    const differences = (outcome: string) =>
      Math.min(
        ...[...serial.keys()].map((other) => {
          const values = JSON.parse(outcome) as readonly string[];
          return (JSON.parse(other) as readonly string[]).filter((value, i) => value !== values[i]).length;
        }),
      );
    for (const { serial: nearest } of unserial)
      t.true(none.some(([outcome]) => differences(outcome) === nearest?.differences.length));
  },
  { numRuns: 60 },
);
