/** Small programs at which a reduced search could go wrong: it has to agree with the search of every state. */
import test from 'ava';
import { assign } from 'xstate';
import { again, kfree, kzalloc, loop, message, type Operation, oneOf, send, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { interrupt } from '../../actors/sync/cpu.ts';
import { list_add, list_del } from '../../actors/sync/list.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { done, globals, type HandleTo, part, pool, type Protocol, setupObject, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { cpu } from '../../machines/sync/cpu.ts';
import { field, pointer } from '../../machines/sync/field.ts';
import { list_head, list_node } from '../../machines/sync/list.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, daemon, local, task, type Variant, variant } from '../../src/index.ts';
import { agreed, reducedly } from '../helpers/outcomes.ts';
import { type Cells, cells, read, write } from '../helpers/tiny.ts';

function* warn(text: string): Operation {
  yield* WARN_ON(true, text);
}

const board = globals('board', { m: mutex(), go: completion(), x: field<number>(0), y: field<number>(0), z: field<number>(0) });
type Board = HandleTo<typeof board>;

/** Takes the lock that it holds, unless somebody lets it go on. */
function* lock_again({ m, go }: Board): Operation {
  yield* mutex_lock(m);
  yield* oneOf({ lock: message('acquire', m, 'mutex_lock'), go: message('wait', go, 'wait_for_completion') });
}
function* let_go({ go }: Board): Operation {
  yield* complete(go);
}
function* take_go({ go }: Board): Operation {
  yield* wait_for_completion(go);
}

test('a thread that is stuck in itself only until another lets it go on: that it was stuck is seen', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { board },
      threads: (o) => ({ b: [call(let_go, o.board)], a: [call(lock_again, o.board)] }),
      expect: [],
    }),
  );
  t.is(findings.filter((line) => line.startsWith('self-deadlock')).length, 1);
});

test('another makes a thread stuck in itself by taking its way out: that, too, is a finding that may come first', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { board },
      start: { 'board.go': { done: 1 } },
      threads: (o) => ({ c: [call(warn, 'c')], a: [call(lock_again, o.board)], b: [call(take_go, o.board)] }),
      expect: [],
    }),
  );
  t.deepEqual(
    findings.map((line) => line.replace(/ .*?(, after another)?$/, '$1')),
    ['deadlock:, after another', 'lock-held-at-exit', 'self-deadlock', 'warn'],
  );
});

test('as many completions as a completion may count: the question what the next would do is not asked', (t) => {
  function* four({ go }: Board): Operation {
    for (let n = 0; n < 4; n++) yield* complete(go);
  }
  const { findings } = agreed(
    t,
    variant({
      objects: { board },
      threads: (o) => ({ a: [call(four, o.board)], b: [call(four, o.board)] }),
      expect: [],
    }),
  );
  t.deepEqual(findings, []);
});

/** One place: who fills it finds it empty, or the model is wrong. */
const place = setupObject<{ full: number }, Protocol>().createMachine({
  id: 'place',
  context: ({ input }) => input,
  on: {
    fill: { actions: [assign({ full: ({ context }) => context.full + 1 }), done] },
    drain: { guard: ({ context }) => context.full > 0, actions: [assign({ full: 0 }), done] },
    wait_until_empty: { guard: ({ context }) => context.full === 0, actions: done },
  },
});
const places = globals('places', {
  p: part<{ fill: object; drain: object; wait_until_empty: object }, { full: number }>(
    place,
    { full: 0 },
    { range: ({ full }) => full <= 1 },
  ),
  x: field<number>(0),
});
type Places = HandleTo<typeof places>;

test('who may end a wait is not asked with what no run would say there', (t) => {
  function* refill({ p }: Places): Operation {
    yield* send(message('update', p, 'fill'));
    yield* send(message('wait', p, 'drain'));
    yield* send(message('update', p, 'fill'));
  }
  function* wait_and_write({ p, x }: Places): Operation {
    yield* send(message('wait', p, 'wait_until_empty'));
    yield* store(x, 1);
  }
  function* write_x({ x }: Places): Operation {
    yield* store(x, 2);
  }
  for (const order of [
    ['r', 'w', 's'],
    ['s', 'r', 'w'],
    ['w', 's', 'r'],
  ])
    agreed(
      t,
      variant({
        objects: { places },
        threads: (o) => {
          const all: { [name: string]: readonly ReturnType<typeof call>[] } = {
            r: [call(refill, o.places)],
            w: [call(wait_and_write, o.places)],
            s: [call(write_x, o.places)],
          };
          return Object.fromEntries(order.map((name) => [name, all[name] as never]));
        },
        expect: [],
      }),
    );
});

/** Bits that are set one by one; with both set, and no seal, `fire` splats. */
const latch = setupObject<{ armed: boolean; sealed: boolean }, Protocol>().createMachine({
  id: 'latch',
  context: ({ input }) => input,
  on: {
    seal: { actions: [assign({ sealed: true }), done] },
    arm: { actions: [assign({ armed: true }), done] },
    fire: [
      {
        guard: ({ context }) => context.armed && !context.sealed,
        actions: { type: 'splat', params: { kind: 'warn', text: 'it fires', prints: 'WARNING' } },
      },
      { actions: done },
    ],
  },
});
const latches = globals('latches', {
  l: part<{ seal: object; arm: object; fire: object }, object>(latch, { armed: false, sealed: false }),
  never: completion(),
});
type Latches = HandleTo<typeof latches>;
function* seal({ l }: Latches): Operation {
  yield* send(message('update', l, 'seal'));
}
function* arm_and_fire({ l }: Latches): Operation {
  yield* send(message('update', l, 'arm'));
  yield* send(message('update', l, 'fire'));
}
function* wait_for_ever({ never }: Latches): Operation {
  yield* wait_for_completion(never);
}

test('thirty-two threads: the last of them, whose bit is the sign of an integer, is followed like the others', (t) => {
  const spin = function* ({ l }: Latches): Operation {
    yield* send(message('update', l, 'arm'));
  };
  for (const last of ['seal', 'fire', 'spin'] as const) {
    const { findings } = agreed(
      t,
      variant({
        objects: { latches },
        threads: ({ latches: o }) => {
          const movers = {
            seal: [call(seal, o)],
            fire: [call(arm_and_fire, o)],
            spin: task([call(spin, o)], { forever: true }),
          };
          const idle = Array.from({ length: 29 }, (_, i) => [`idle${i}`, daemon([call(wait_for_ever, o)])] as const);
          const rest = Object.entries(movers).filter(([name]) => name !== last);
          return Object.fromEntries([...rest, ...idle, [last, movers[last]]]) as never;
        },
        expect: [],
      }),
    );
    t.is(findings.length, 1);
  }
});

test('what a predicate reads only where something else holds is kept as well', (t) => {
  function* raise(cell: Cells['x']): Operation {
    yield* store(cell, 1);
    yield* store(cell, 0);
  }
  const { findings, sometimes } = agreed(
    t,
    variant({
      objects: { cells },
      threads: ({ cells: o }) => ({ a: [call(raise, o.x)], b: [call(raise, o.y)], c: [call(raise, o.z)] }),
      always: { apart: ({ cells: o }) => o.x.value === 0 || o.y.value === 0 || o.z.value === 0 },
      sometimes: { two: ({ cells: o }) => o.z.value === 1 && o.x.value === 0 && o.y.value === 1 },
      expect: [],
    }),
  );
  t.is(findings.length, 1);
  t.deepEqual(sometimes, ['two']);
});

test('predicates that read where threads stand, what they got and whether they are blocked', (t) => {
  const got = local<number>('got');
  const { findings, sometimes } = agreed(
    t,
    variant({
      objects: { board },
      threads: ({ board: o }) => ({
        a: [call(take_go, o), call(write, o.x, 1)],
        b: [call(write, o.y, 1), call(let_go, o)],
        c: [call(read, o.z).into(got), call(write, o.z, 1)],
      }),
      always: { 'not both': (view) => !(view.next('c') === 'store' && view.blocked('a') && view.next('b') === 'complete') },
      sometimes: {
        'c is through before a moves': (view) => view.ended('c') && view.blocked('a'),
        'a is through first': (view) => view.ended('a') && view.result(got) === undefined,
      },
      expect: [],
    }),
  );
  t.is(findings.length, 1);
  t.is(sometimes.length, 2);
});

test('a predicate about who is blocked depends on the objects that block', (t) => {
  const { sometimes } = agreed(
    t,
    variant({
      objects: { board },
      threads: ({ board: o }) => ({ b: [call(let_go, o)], c: [call(write, o.y, 1)], a: [call(take_go, o)] }),
      sometimes: { 'a waits for long': (view) => view.ended('c') && view.blocked('a') },
      expect: [],
    }),
  );
  t.is(sometimes.length, 1);
});

test('of a warning and an invariant that break by themselves, each may come first', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { cells },
      threads: ({ cells: o }) => ({ a: [call(write, o.x, 1)], b: [call(warn, 'b')], c: [call(write, o.y, 1), call(warn, 'c')] }),
      always: { 'x is 0': (view) => view.cells.x.value === 0 },
      expect: [],
    }),
  );
  t.is(findings.filter((line) => !line.endsWith('after another')).length, 3);
});

test('a thread that an oops stops keeps its lock: who waits for it is stuck, as a consequence', (t) => {
  function* oops_in_lock({ m, x }: Cells): Operation {
    yield* mutex_lock(m);
    yield* store(x, 1);
    yield* store((yield* load(x)) === 1 ? { path: 'NULL.x' } : x, 2);
    yield* mutex_unlock(m);
  }
  function* lock({ m }: Cells): Operation {
    yield* mutex_lock(m);
    yield* mutex_unlock(m);
  }
  const { findings } = agreed(
    t,
    variant({
      objects: { cells },
      threads: ({ cells: o }) => ({ a: [call(oops_in_lock, o)], b: [call(lock, o)], c: [call(write, o.y, 1)] }),
      expect: [],
    }),
  );
  t.true(findings.some((line) => line.startsWith('deadlock') && line.endsWith('after another')));
});

const entry = struct('entry', { node: list_node({ on: 'lists.head' }), value: field<number>(0) });
const other = struct('other', { node: list_node({ initialised: true }), value: field<number>(0) });
const lists = globals('lists', { head: list_head(['e']), busy: cpu(), x: field<number>(0) });

test('a list hears of frees: to free an entry and to add beside it do not commute', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { lists, e: entry, f: other },
      threads: ({ lists: o, e, f }) => ({
        a: [
          call(function* free(): Operation {
            yield* kfree(e);
          }),
        ],
        b: [
          call(function* add(): Operation {
            yield* list_add(f.node, o.head);
            yield* list_del(f.node, o.head);
          }),
        ],
        c: [call(write, o.x, 1)],
      }),
      leaks: { lists: (view) => view.lists.head.entries.length },
      expect: [],
    }),
  );
  t.true(findings.length > 0);
});

test('while a handler has the CPU not even freed memory lets a thread of it go on', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { lists, d: struct('d', { x: field<number>(0), y: field<number>(0) }) },
      threads: ({ lists: o, d }) => ({
        a: task([call(write, d.x, 1), call(write, d.y, 1)], { cpu: o.busy }),
        irq: task(
          [
            call(function* free_in_handler(): Operation {
              yield* interrupt(o.busy, function* () {
                yield* kfree(d);
                yield* store(o.x, 1);
              });
            }),
          ],
          { cpu: o.busy },
        ),
        c: [call(write, o.x, 2)],
      }),
      expect: [],
    }),
  );
  t.true(findings.some((line) => line.startsWith('use-after-free')));
});

test('memory that a thread allocates and hands on: the reader finds none, or it, or it freed', (t) => {
  const thing = struct('thing', { n: field<number>(0) });
  type Thing = HandleTo<typeof thing>;
  const { findings, sometimes } = agreed(
    t,
    variant({
      objects: { made: pool(thing), shared: globals('shared', { at: pointer<Thing>(), x: field<number>(0) }) },
      threads: ({ made, shared }) => ({
        a: [
          call(function* make(): Operation {
            const mine = yield* kzalloc(made);
            yield* store(mine.n, 1);
            yield* store(shared.at, mine);
            yield* kfree(mine);
          }),
        ],
        b: [
          call(function* use(): Operation {
            const there = yield* load(shared.at);
            yield* store((there as Thing).n, 2);
          }),
        ],
        c: [call(write, shared.x, 1)],
      }),
      sometimes: { 'there is one': (view) => view.all('made').length === 1 },
      expect: [],
    }),
  );
  t.deepEqual(
    findings.map((line) => line.split(' ')[0]),
    ['null-deref', 'use-after-free'],
  );
  t.deepEqual(sometimes, ['there is one']);
});

test('two that go round for ever beside one that warns', (t) => {
  function* blink(cell: Cells['x']): Operation {
    yield* loop(0, function* (n: number) {
      yield* store(cell, n);
      return again(1 - n);
    });
  }
  const { findings, sometimes } = agreed(
    t,
    variant({
      objects: { cells },
      threads: ({ cells: o }) => ({
        a: [call(blink, o.x)],
        b: task([call(write, o.y, 1), call(write, o.y, 0)], { forever: true }),
        c: [call(write, o.z, 1), call(warn, 'c')],
      }),
      sometimes: { 'both are up': ({ cells: o }) => o.x.value === 1 && o.y.value === 1 && o.z.value === 1 },
      expect: [],
    }),
  );
  t.is(findings.length, 1);
  t.is(sometimes.length, 1);
});

test('a search that a bound cuts says so, in whichever pass', (t) => {
  const design = variant({
    objects: { cells },
    threads: ({ cells: o }) => ({
      a: [call(write, o.x, 1), call(write, o.y, 1), call(write, o.z, 1)],
      b: [call(write, o.x, 2), call(write, o.y, 2), call(write, o.z, 2)],
    }),
    expect: [],
  });
  const { states, cut } = reducedly(design);
  t.is(cut, null);
  for (let most = 1; most < states; most++) t.is(reducedly(design, most).cut, `${most} states`);
});

interface ReadsLess {
  readonly cells: { readonly [name in 'x' | 'y']: { readonly value: number } };
  readonly w: { readonly w: { readonly value: number } };
}

/**
 * The first search meets `x` before `y`, and so asks for `z`; the second reaches at once what is asked with `y`, and asks
 * for `z` no more.
 */
const readsLess = (more: boolean): Variant =>
  variant({
    objects: { cells, w: globals('w', { w: field<number>(0) }) },
    threads: ({ cells: o, w }) => ({
      a: [call(write, o.x, 0), call(write, o.x, 1)],
      b: [call(write, o.y, 1)],
      c: [call(write, w.w, 1), call(write, w.w, 0)],
    }),
    sometimes: {
      'y alone': ({ cells: o }) => (o.x.value === 0 ? o.y.value === 1 : o.z.value === 1),
      ...(more
        ? { 'w with y alone': ({ cells: o, w }: ReadsLess) => o.y.value === 1 && o.x.value === 0 && w.w.value === 1 }
        : {}),
    },
    expect: [],
  });

test('a pass that reads less than the one before is the last if it has learned nothing', (t) => {
  t.deepEqual(agreed(t, readsLess(false)).sometimes, ['y alone']);
});

test('a pass that reads as many places as were known, but others, is not the last', (t) => {
  t.deepEqual(agreed(t, readsLess(true)).sometimes, ['y alone', 'w with y alone']);
});

/** At the third turn from where it begins it is where `fire` splats; after the fourth it is there again. */
const dial = setupObject<{ at: number }, Protocol>().createMachine({
  id: 'dial',
  context: ({ input }) => input,
  on: {
    turn: { actions: [assign({ at: ({ context }) => (context.at + 1) % 4 }), done] },
    fire: [
      {
        guard: ({ context }) => context.at === 3,
        actions: { type: 'splat', params: { kind: 'warn', text: 'it fires', prints: 'WARNING' } },
      },
      { actions: done },
    ],
  },
});

test('a thread that goes round for ever comes to snapshots that no single turn leads to', (t) => {
  const dials = globals('dials', { dial: part<{ turn: object; fire: object }, { at: number }>(dial, { at: 0 }) });
  const { findings } = agreed(
    t,
    variant({
      objects: { dials },
      threads: ({ dials: o }) => ({
        b: [
          call(function* fire(): Operation {
            yield* send(message('update', o.dial, 'fire'));
          }),
        ],
        a: task(
          [
            call(function* turn(): Operation {
              yield* send(message('update', o.dial, 'turn'));
            }),
          ],
          { forever: true },
        ),
      }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});

test('who frees what a thread waits in makes its step possible, though nobody ends the wait', (t) => {
  const { findings, sometimes } = agreed(
    t,
    variant({
      objects: { d: struct('d', { done: completion() }), cells },
      threads: ({ d, cells: o }) => ({
        b: [call(write, o.y, 1)],
        a: [
          call(function* wait(): Operation {
            yield* wait_for_completion(d.done);
          }),
        ],
        c: [
          call(function* free(): Operation {
            yield* kfree(d);
          }),
        ],
      }),
      sometimes: { 'a is stopped before y is written': (view) => view.next('a') === null && view.cells.y.value === 0 },
      expect: [],
    }),
  );
  t.is(findings.length, 1);
  t.is(sometimes.length, 1);
});

test('who comes before its own lock after it was let go is never stuck, and what it finds then may come first', (t) => {
  const { findings } = agreed(
    t,
    variant({
      objects: { board, hint: globals('hint', { ready: completion() }) },
      threads: ({ board: o, hint }) => ({
        b: [call(wait_for_completion, hint.ready), call(let_go, o)],
        a: [
          call(function* hint_and_lock_again({ m, go, x }: Board): Operation {
            yield* mutex_lock(m);
            yield* complete(hint.ready);
            // From here on b may let it go: in time, or only after it was stuck.
            yield* store(x, 1);
            const { way } = yield* oneOf({
              lock: message('acquire', m, 'mutex_lock'),
              go: message('wait', go, 'wait_for_completion'),
            });
            yield* WARN_ON(way === 'go', 'it was let go');
          }, o),
        ],
      }),
      expect: [],
    }),
  );
  t.deepEqual(
    findings.map((line) => [line.split(' ')[0], line.endsWith('after another')]),
    [
      ['lock-held-at-exit', true],
      ['self-deadlock', false],
      ['warn', false],
    ],
  );
});

/** Complains of a free that it hears of, but hears nothing before it is opened. */
const ear = setupObject<{ open: boolean }, Protocol>().createMachine({
  id: 'ear',
  context: ({ input }) => input,
  on: {
    open: { actions: [assign({ open: true }), done] },
    freed: {
      guard: ({ context }) => context.open,
      actions: { type: 'splat', params: { kind: 'warn', text: 'it hears', prints: 'WARNING' } },
    },
  },
});

test('what is said only where it is heard depends on who makes it be heard', (t) => {
  const ears = globals('ears', { ear: part<{ open: object }, { open: boolean }>(ear, { open: false }, { hearsFrees: true }) });
  const { findings } = agreed(
    t,
    variant({
      objects: { ears, d: struct('d', { x: field<number>(0) }) },
      threads: ({ ears: o, d }) => ({
        a: [
          call(function* free(): Operation {
            yield* kfree(d);
          }),
        ],
        b: [
          call(function* open(): Operation {
            yield* send(message('update', o.ear, 'open'));
          }),
        ],
      }),
      expect: [],
    }),
  );
  t.is(findings.length, 1);
});
