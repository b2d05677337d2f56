/** The rules that keep the reduction true, each with the program that goes wrong without it, and the counts by hand. */
import test from 'ava';
import { assign } from 'xstate';
import { again, kfree, kzalloc, loop, message, type Operation, oneOf, send, WARN_ON } from '../../actors/step.ts';
import { complete } from '../../actors/sync/completion.ts';
import { store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import {
  done,
  globals,
  type Handle,
  type HandleTo,
  part,
  pool,
  type Protocol,
  reply,
  setupObject,
  splat,
  struct,
} from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, task, variant } from '../../src/index.ts';
import { agreed } from '../helpers/outcomes.ts';
import { cells, write } from '../helpers/tiny.ts';

const fires = splat({ kind: 'warn', text: 'it fires', prints: 'WARNING' });

/** A gun on a table: `fire` splats while it is armed and not sealed. */
const gun = setupObject<{ armed: boolean; sealed: boolean }, Protocol>().createMachine({
  id: 'gun',
  context: ({ input }) => input,
  on: {
    seal: { actions: [assign({ sealed: true }), done] },
    arm: { actions: [assign({ armed: true }), done] },
    disarm: { actions: [assign({ armed: false }), done] },
    fire: [{ guard: ({ context }) => context.armed && !context.sealed, actions: fires }, { actions: done }],
    ask: [{ guard: ({ context }) => context.armed, actions: reply(true) }, { actions: reply(false) }],
  },
});
/** A counter that knows no bounds. */
const counter = setupObject<{ n: number }, Protocol>().createMachine({
  id: 'counter',
  context: ({ input }) => input,
  on: {
    inc: { actions: [assign({ n: ({ context }) => context.n + 1 }), done] },
    dec: { actions: [assign({ n: ({ context }) => context.n - 1 }), done] },
  },
});
/** The same, which also remembers who was last. */
const nosy = setupObject<{ n: number; last: string }, Protocol>().createMachine({
  id: 'nosy',
  context: ({ input }) => input,
  on: {
    dec: {
      actions: [
        assign({
          n: ({ context }) => context.n - 1,
          last: ({ event }) => (event as { by?: string }).by ?? '',
        }),
        done,
      ],
    },
  },
});
const things = globals('things', {
  gun: part<Protocol, object>(gun, { armed: false, sealed: false }),
  counter: part<Protocol, object>(counter, { n: 3 }),
  nosy: part<Protocol, object>(nosy, { n: 3, last: '' }),
  own: field<number>(0),
});

/** Says these events one after the other, in a step each. */
function* say(to: Handle<Protocol>, ...events: readonly string[]): Operation {
  for (const event of events) yield* send(message({ kind: 'update', stamped: true }, to, event));
}
function* warn(text: string): Operation {
  yield* WARN_ON(true, text);
}

const device = struct('device', { lock: mutex(), n: field<number>(0) });
type Device = HandleTo<typeof device>;
function* use({ lock }: Device): Operation {
  yield* mutex_lock(lock);
  yield* mutex_unlock(lock);
}
function* free(object: Device): Operation {
  yield* kfree(object);
}

test('1: whether two accesses commute is asked wherever they may yet meet, not only where they have met', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { things },
      threads: ({ things: o }) => ({ a: [call(say, o.gun, 'seal')], b: [call(say, o.gun, 'arm', 'fire')] }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});

test('1: a counter is asked only as far as the threads can count, and with loops only up to a bound', (t) => {
  const finite = agreed(
    t,
    variant({
      objects: { things },
      threads: ({ things: o }) => ({ a: [call(say, o.counter, 'inc')], b: [call(say, o.counter, 'inc')] }),
      expect: [],
    }),
  );
  t.deepEqual([finite.plain, finite.reduced], [4, 3]);
  const endless = agreed(
    t,
    variant({
      objects: { things },
      threads: ({ things: o }) => ({
        a: task([call(say, o.counter, 'inc', 'dec')], { forever: true }),
        b: task([call(say, o.counter, 'inc', 'dec')], { forever: true }),
        c: [call(warn, 'c')],
      }),
      expect: [],
    }),
  );
  t.is(endless.findings.length, 1);
});

test('2: where a step begins a loop anew nobody is put off, or it could be for ever', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { cells },
      threads: ({ cells: o }) => ({
        a: [
          call(function* blink(): Operation {
            yield* loop(null, function* () {
              yield* store(o.x, 1);
              yield* store(o.x, 0);
              return again(null);
            });
          }),
        ],
        b: [call(write, o.y, 1), call(warn, 'b')],
      }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});

test('3: who makes one way of a step possible is needed although another way is possible already', (t) => {
  const board = struct('board', { done: completion(), n: field<number>(0) });
  const { findings } = agreed(
    t,
    variant({
      objects: { board },
      threads: ({ board: o }) => ({
        a: [
          call(function* take_or_signal(): Operation {
            const { way } = yield* oneOf({
              done: message('wait', o.done, 'wait_for_completion'),
              signal: {
                object: 'environment',
                event: { type: 'choose', what: 'signal', way: 'signal' },
                means: { kind: 'choose' },
              },
            });
            yield* WARN_ON(way === 'done', 'it was done');
          }),
        ],
        b: [
          call(function* finish(): Operation {
            yield* complete(o.done);
          }),
        ],
      }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});

test('4: to lock what lies in an allocation and to free the allocation depend on each other', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { d: device },
      threads: ({ d }) => ({ a: [call(use, d)], b: [call(free, d)] }),
      expect: [],
    }),
  );
  t.is(findings.filter((line) => line.startsWith('use-after-free') && line.includes('mutex_lock')).length, 1);
});

test('5: who waits for a lock in memory that is freed goes on into it, and is followed', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { d: device, cells },
      threads: ({ d, cells: o }) => ({
        c: [
          call(function* hold_and_free(): Operation {
            yield* mutex_lock(d.lock);
            yield* kfree(d);
          }),
        ],
        a: [call(use, d)],
        b: [call(write, o.x, 1)],
      }),
      expect: [],
    }),
  );
  t.true(findings.some((line) => line.startsWith('use-after-free') && line.includes('use mutex_lock')));
});

test('6: steps that change what one predicate reads depend on each other', (t) => {
  const { findings, sometimes, plain, reduced } = agreed(
    t,
    variant({
      objects: { cells },
      threads: ({ cells: o }) => ({
        a: [call(write, o.x, 1), call(write, o.x, 0)],
        b: [call(write, o.y, 1), call(write, o.y, 0)],
        c: [call(write, o.z, 1), call(write, o.z, 0)],
      }),
      always: { 'never both': ({ cells: o }) => o.x.value === 0 || o.y.value === 0 },
      sometimes: { both: ({ cells: o }) => o.x.value === 1 && o.y.value === 1 },
      expect: [],
    }),
  );
  t.is(findings.length, 1);
  t.deepEqual(sometimes, ['both']);
  t.true(reduced < plain);
});

test('8: a finding ends no branch, and of two each may be the first', (t) => {
  const { findings } = agreed(
    t,
    variant({ objects: { cells }, threads: () => ({ a: [call(warn, 'a')], b: [call(warn, 'b')] }), expect: [] }),
  );
  t.deepEqual(
    findings.map((line) => line.endsWith('after another')),
    [false, false],
  );
});

test('9: two answers are alike only if the splats are, too', (t) => {
  // In either order the gun ends armed, and nobody gets a reply.
  const { findings } = agreed(
    t,
    variant({
      objects: { things },
      threads: ({ things: o }) => ({ a: [call(say, o.gun, 'fire')], b: [call(say, o.gun, 'arm')] }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});

test('9: two answers are alike only if the replies are', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { things },
      threads: ({ things: o }) => ({
        a: [
          call(function* ask(): Operation {
            yield* WARN_ON(yield* send<boolean>(message('read', o.gun, 'ask')), 'it is armed');
          }),
        ],
        b: [call(say, o.gun, 'arm', 'disarm')],
      }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});

test('10: three puts of one counter are one order, unless the counter remembers who came last', (t) => {
  const puts = (of: 'counter' | 'nosy') =>
    agreed(
      t,
      variant({
        objects: { things },
        threads: ({ things: o }) => ({
          a: [call(say, o[of], 'dec')],
          b: [call(say, o[of], 'dec')],
          c: [call(say, o[of], 'dec')],
        }),
        expect: [],
      }),
    );
  const plain = puts('counter');
  t.deepEqual([plain.plain, plain.reduced, plain.ends], [8, 4, 1]);
  // None, one of three, two in either order, and then whoever is last.
  const remembering = puts('nosy');
  t.deepEqual([remembering.plain, remembering.reduced, remembering.ends], [13, 13, 3]);
});

test('11: each thread allocates from its own share, so that who allocates first makes no difference', (t) => {
  function* make(from: Device): Operation {
    const mine = yield* kzalloc(from);
    yield* store(mine.n, 1);
  }
  const { plain, reduced } = agreed(
    t,
    variant({
      objects: { d: pool(device) },
      threads: ({ d }) => ({ a: [call(make, d)], b: [call(make, d)], c: [call(make, d)], e: [call(make, d)] }),
      expect: [],
    }),
  );
  t.deepEqual([plain, reduced], [81, 9]);
});
