/** Scenarios and operations that would make a verdict wrong without a word: each is refused, with what to do about it. */
import test from 'ava';
import { assign, raise } from 'xstate';
import { access, again, loop, type Operation, send, message, task_work_add, WARN_ON } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { down_read, up_read } from '../../actors/sync/rwsem.ts';
import { done, globals, type HandleTo, part, type Parts, pool, reply, setupObject, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { call, defineScenario, local, ModelError, task, type Variant, variant } from '../../src/index.ts';
import { type Cells, cells, checkTiny, read, write } from '../helpers/tiny.ts';

const refused = (what: string, make: () => Variant, message: RegExp) => {
  test(`${what}: refused`, async (t) => {
    await t.throwsAsync(async () => checkTiny(make()), { instanceOf: ModelError, message });
  });
};
const accepted = (what: string, make: () => Variant) => {
  test(`${what}: accepted`, async (t) => {
    const { findings, exhaustive } = await checkTiny(make());
    // In which order locks are taken is another question.
    t.deepEqual(
      findings.filter(({ kind }) => kind !== 'lock-order'),
      [],
    );
    t.true(exhaustive);
  });
};
const alone = (operation: (cells: Cells) => Operation<unknown>): Variant =>
  variant({ objects: { cells }, threads: (o) => ({ a: [call(operation, o.cells)] }), expect: [] });

const anotherWay = /goes another way when it is run again with the same replies/;

// What a loop keeps beside its state

function* counts_turns({ x }: Cells): Operation {
  let turns = 0;
  yield* loop(null, function* () {
    if ((yield* load(x)) === 1) return undefined;
    turns++;
    yield* WARN_ON(turns > 3, 'too many turns');
    return again(null);
  });
}
function* counts_in_its_state({ x }: Cells): Operation {
  yield* loop<number, undefined>(0, function* (turns) {
    if ((yield* load(x)) === 1) return undefined;
    return again(Math.min(turns + 1, 3));
  });
}
const beside_a_write = (operation: (cells: Cells) => Operation) =>
  variant({
    objects: { cells },
    threads: (o) => ({ a: [call(operation, o.cells)], b: [call(write, o.cells.x, 1)] }),
    expect: [],
  });
refused('a loop that counts its turns in a variable outside', () => beside_a_write(counts_turns), anotherWay);
accepted('a loop that counts its turns in its state', () => beside_a_write(counts_in_its_state));

refused(
  'a loop that exchanges one lock for another',
  () =>
    alone(function* exchanges(c) {
      yield* mutex_lock(c.m);
      yield* loop<string, undefined>('m', function* (held) {
        if (held === 'n') return undefined;
        yield* mutex_unlock(c.m);
        yield* mutex_lock(c.n);
        return again('n');
      });
      yield* mutex_unlock(c.n);
    }),
  /goes round a loop with a lock,/,
);
accepted('a loop that lets go of two locks and takes them in the other order', () =>
  variant({
    objects: { cells },
    threads: (o) => ({
      a: [
        call(function* turns_round(c: Cells): Operation {
          yield* mutex_lock(c.m);
          yield* mutex_lock(c.n);
          yield* loop<number, undefined>(0, function* (turn) {
            if (turn > 0) return undefined;
            yield* mutex_unlock(c.m);
            yield* mutex_lock(c.m);
            return again(turn + 1);
          });
          yield* mutex_unlock(c.m);
          yield* mutex_unlock(c.n);
        }, o.cells),
      ],
    }),
    expect: [],
  }),
);
const sems = globals('sems', { sem: rwsem() });
refused(
  'a loop that takes the read side once more in each turn',
  () =>
    variant({
      objects: { sems },
      threads: (o) => ({
        a: [
          call(function* reads_more({ sem }: HandleTo<typeof sems>): Operation {
            yield* loop<number, undefined>(0, function* (turn) {
              yield* down_read(sem);
              return turn < 2 ? again(turn + 1) : undefined;
            });
            yield* up_read(sem);
          }, o.sems),
        ],
      }),
      expect: [],
    }),
  /goes round a loop with a lock/,
);
refused(
  'work that is deferred in a turn of a loop, which would be forgotten in the next',
  () =>
    alone(function* defers({ x, y }) {
      yield* loop<number, undefined>(0, function* (turn) {
        yield* load(x);
        if (turn > 0) return undefined;
        yield* task_work_add(() => store(y, 7));
        return again(1);
      });
    }),
  /goes round a loop with .* deferred work/,
);
accepted('work that is deferred in the last turn', () =>
  variant({
    objects: { cells },
    threads: (o) => ({
      a: [
        call(function* defers({ x, y }: Cells): Operation {
          yield* loop<number, undefined>(0, function* (turn) {
            yield* load(x);
            if (turn === 0) return again(1);
            yield* task_work_add(() => store(y, 7));
            return undefined;
          });
        }, o.cells),
      ],
    }),
    atEnd: { 'the work was done': ({ cells }) => cells.y.value === 7 },
    expect: [],
  }),
);
refused(
  'a loop that never comes to a step',
  () =>
    alone(function* spins() {
      yield* loop(null, function* () {
        return again(null);
      });
    }),
  /goes round a loop for ever without a step/,
);
accepted('a loop that changes its own copy of the state', () =>
  alone(function* counts({ x }) {
    yield* loop({ n: 0 }, function* (state) {
      state.n++;
      yield* load(x);
      return state.n > 3 ? undefined : again(state);
    });
  }),
);
refused(
  'a loop whose state JSON cannot hold',
  () =>
    alone(function* keeps_a_map({ x }) {
      yield* loop(new Map() as never, function* () {
        yield* load(x);
        return undefined;
      });
    }),
  /keeps what JSON cannot hold/,
);
refused(
  'again() where there is no loop',
  () =>
    alone(function* forgets_the_loop({ x }) {
      yield* load(x);
      return again(null);
    }),
  /forgets_the_loop\(\) returns again\(\) and is no loop/,
);

// What an operation knows from elsewhere

test('an operation that looks at a variable which another run of it has changed: refused', async (t) => {
  let runs = 0;
  function* looks_outside({ x }: Cells): Operation {
    runs++;
    yield* load(x);
    yield* WARN_ON(runs > 2, 'too many runs');
  }
  await t.throwsAsync(async () => checkTiny(alone(looks_outside)), { instanceOf: ModelError, message: anotherWay });
});
test('an operation that does nothing more when it is run a second time: refused', async (t) => {
  let first = true;
  function* once({ x }: Cells): Operation {
    if (first) yield* store(x, 1);
    first = false;
  }
  await t.throwsAsync(async () => checkTiny(alone(once)), { instanceOf: ModelError, message: anotherWay });
});
test('an operation whose end depends on chance: refused', async (t) => {
  let toss = 0;
  function* tosses({ x }: Cells): Operation<number> {
    yield* load(x);
    return toss++ % 2;
  }
  const seen = local<number>('seen');
  const design = variant({
    objects: { cells },
    threads: (o) => ({ a: [call(tosses, o.cells).into(seen), call(read, o.cells.x)] }),
    expect: [],
  });
  await t.throwsAsync(async () => checkTiny(design), { instanceOf: ModelError, message: anotherWay });
});
refused(
  'an operation that changes its argument',
  () =>
    variant({
      objects: { cells },
      threads: (o) => ({
        a: [
          call(
            function* empties({ x }: Cells, values: number[]): Operation {
              while (values.length > 0) yield* store(x, values.pop() as number);
            },
            o.cells,
            [1, 2, 3],
          ),
        ],
      }),
      expect: [],
    }),
  anotherWay,
);
refused(
  'a result that JSON cannot hold',
  () =>
    variant({
      objects: { cells },
      threads: (o) => ({
        a: [
          call(function* divides({ x }: Cells): Operation<number> {
            const n = yield* load(x);
            return n / n;
          }, o.cells).into(local<number>('quotient')),
        ],
      }),
      expect: [],
    }),
  /keeps what JSON cannot hold: NaN/,
);

// Results and names

const seen = local<number>('seen');
refused(
  'a predicate that asks for a result that two threads have',
  () =>
    variant({
      objects: { cells },
      threads: (o) => ({ a: [call(read, o.cells.x).into(seen)], b: [call(read, o.cells.x).into(seen)] }),
      atEnd: { 'it was 0': ({ result }) => result(seen) === 0 },
      expect: [],
    }),
  /asks for "seen", into which a and b put a result/,
);
refused(
  'a call that is made if a call of another thread was a success',
  () =>
    variant({
      objects: { cells },
      threads: (o) => ({ a: [call(read, o.cells.x).into(seen)], b: [call(write, o.cells.x, 1).ifOk(seen)] }),
      expect: [],
    }),
  /Thread "b" uses "seen" in write\(\), and no earlier call of it puts its result there/,
);
refused(
  'an argument that only a later call gives',
  () =>
    variant({
      objects: { cells },
      threads: (o) => ({ a: [call(write, o.cells.x, seen), call(read, o.cells.x).into(seen)] }),
      expect: [],
    }),
  /Thread "a" uses "seen"/,
);
const named = (object: string, parts: Parts = { n: field(0) }) =>
  variant({ objects: { [object]: struct('s', parts) }, threads: () => ({ a: [] }), expect: [] });
for (const part of ['allocation', 'freed', 'path', 'then', 'a.b'])
  refused(`a part that is called ${part}`, () => named('s', { [part]: field(0) }), /cannot be the name of a part/);
for (const object of ['NULL', 'environment', 'next', 'result', 'a b', '7'])
  refused(`an object that is called ${object}`, () => named(object), /cannot be the name of an object/);
for (const thread of ['a b', 'a.b', 'a@b', 'a#2', '7', 'loop:', '>a'])
  refused(
    `a thread that is called ${thread}`,
    () => variant({ objects: {}, threads: () => ({ [thread]: [] }), expect: [] }),
    /cannot be the name of a thread/,
  );
test('a scenario or a variant whose name is more than one word: refused', (t) => {
  const named = (name: string, variantName: string) => () =>
    defineScenario({ name, summary: '', source: '', covers: [], tags: [], variants: { [variantName]: named as never } });
  for (const define of [named('two words', 'it'), named('one', 'this one'), named('one', 'this/one')])
    t.throws(define, { instanceOf: ModelError, message: /cannot be the name of a scenario or a variant/ });
});
const many = (count: number): Variant =>
  variant({
    objects: { cells },
    threads: (o) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, i > 0 ? [] : [call(read, o.cells.x)]])),
    expect: [],
  });
refused('33 threads', () => many(33), /has 33 threads, and may have 32/);
accepted('32 threads', () => many(32));

// Machines

type Odd = { turn: { with: { by?: number; what?: unknown }; reply: unknown } };
const turn = access<Odd, 'turn'>('update', 'turn');
const with_machine = (on: object, states: object = {}) => {
  const machine = setupObject<{ n: number }, Odd>()
    .extend({ actions: { up: assign({ n: ({ context }) => context.n + 1 }) } })
    .createMachine({ id: 'odd', context: ({ input }: { input: object }) => input, on: { turn: on }, ...states } as never);
  const odd = globals('odd', { part: part<Odd, { n: number }>(machine as never, { n: 0 }) });
  return variant({
    objects: { odd },
    threads: (o) => ({
      a: [
        call(function* turns({ part }: HandleTo<typeof odd>): Operation {
          yield* turn(part, {});
        }, o.odd),
      ],
    }),
    expect: [],
  });
};
refused(
  'a machine that replies twice to one access',
  () => with_machine({ actions: [reply(1), reply(2)] }),
  /replies twice to "turn"/,
);
refused(
  'a reply that JSON cannot hold',
  () => with_machine({ actions: reply(Number.NaN) }),
  /replies to "turn" with what JSON cannot hold: NaN/,
);
refused(
  'a machine that raises an event later',
  () => with_machine({ actions: [raise({ type: 'turn' }, { delay: 10 }), done] }),
  /runs the action "xstate.raise"/,
);
refused(
  'a machine that remembers where it was',
  () => with_machine({ actions: done }, { initial: 'a', states: { a: {}, h: { type: 'history' } } }),
  /remembers where it was/,
);
refused(
  'an event with what JSON cannot hold',
  () =>
    alone(function* says_nan({ x }) {
      yield* send(message('write', x, 'store', { value: Number.NaN }));
    }),
  /says to "cells.x" what JSON cannot hold: \{ type: 'store', value: NaN \}/,
);

test('a thread that goes for ever allocates from its pool until it is exhausted: refused', async (t) => {
  const { kzalloc } = await import('../../actors/step.ts');
  const thing = struct('thing', { n: field(0), lock: mutex() });
  const design = variant({
    objects: { things: pool(thing, 2) },
    threads: (o) => ({ a: task([call(kzalloc, o.things)], { forever: true }) }),
    expect: [],
  });
  await t.throwsAsync(async () => checkTiny(design), { instanceOf: ModelError, message: /for the 3rd time/ });
});

refused(
  'a loop that is not written as one, and so never comes round',
  () =>
    alone(function* spins_for_ever({ x }) {
      for (;;) yield* load(x);
    }),
  /spins_for_ever\(\) has taken 1000 steps, and each was a new position/,
);

test('a variant that does not say what it expects: refused', (t) => {
  const { expect: _expect, ...silent } = alone(function* nothing() {});
  const define = () =>
    defineScenario({ name: 'silent', summary: '', source: '', covers: [], tags: [], variants: { it: silent as Variant } });
  t.throws(define, { instanceOf: ModelError, message: '"silent/it" does not say what it expects' });
});
