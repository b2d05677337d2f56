/** A checkpoint belongs to the sources of which it was made: the first difference refuses it, and is named. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { assign } from 'xstate';
import { access, message, type Operation, send, WARN_ON } from '../../actors/step.ts';
import { done, type HandleTo, part, setupObject, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { Resumption } from '../../src/explore/checkpoint.ts';
import { call, daemon, local, ModelError, task, type Variant, variant } from '../../src/index.ts';
import { accountOf, type Kind, origin, run } from './checkpoint-searches.ts';

const folder = mkdtempSync(join(tmpdir(), 'interlock-checkpoint-sources-'));
test.after.always(() => rmSync(folder, { recursive: true }));

type Count = { add: { reply: number }; look: { reply: number } };

/** Counts up to three, and complains of the fourth. */
const counter = ({ step = 1, most = 3, says = 'too many', from = 0, range = 3, lets = true } = {}) =>
  part<Count, { value: number }>(
    setupObject<{ value: number }, Count>().createMachine({
      id: 'counter',
      context: ({ input }) => input,
      on: {
        add: [
          {
            guard: ({ context }) => context.value < most,
            actions: [
              { type: 'answer', params: ({ context }) => ({ value: context.value }) },
              assign({ value: ({ context }) => context.value + step }),
            ],
          },
          {
            guard: () => lets,
            actions: [{ type: 'splat', params: { kind: 'warn', text: says, prints: null } }, done],
          },
        ],
        look: { actions: { type: 'answer', params: ({ context }) => ({ value: context.value }) } },
      },
    }) as never,
    { value: from },
    { range: ({ value }) => value <= range },
  );

interface Changes {
  readonly counter?: Parameters<typeof counter>[0];
  readonly second?: 'look' | 'add';
  readonly names?: 'work' | 'labour';
  readonly complains?: 'complain' | 'object';
  readonly keeps?: number;
  readonly means?: 'update' | 'read';
  readonly warns?: boolean;
  readonly kind?: typeof task;
  readonly forever?: boolean;
  readonly third?: boolean;
  readonly other?: boolean;
  readonly cells?: 'static' | 'heap';
  readonly limit?: number;
  readonly always?: (view: never) => boolean;
  readonly goal?: string;
  /** The predicates ask who waits. */
  readonly waits?: boolean;
}

/** What the predicates below see. */
interface Seen {
  readonly made: { readonly count: { readonly value: number } };
  readonly blocked: (thread: string) => boolean;
  readonly result: (of: { readonly local: string }) => number | undefined;
}

const complaints = {
  *complain(condition: boolean): Operation {
    yield* WARN_ON(condition, 'had > 1');
  },
  *object(condition: boolean): Operation {
    yield* WARN_ON(condition, 'had > 1');
  },
};

/** Two that add and look, and one that comes along later. */
function design(changes: Changes = {}): Variant {
  const {
    second = 'look',
    names = 'work',
    complains = 'complain',
    keeps = 1,
    means = 'update',
    warns = true,
    kind = task,
    limit = 4,
    waits = false,
  } = changes;
  const made = struct('made', { count: counter(changes.counter), x: field<number>(0) });
  const more = changes.other ? { more: struct('more', { y: field<number>(0) }) } : {};
  type Made = HandleTo<typeof made>;
  const operations = {
    *[names](o: Made): Operation<number> {
      const had = yield* send<number>(message<Count, 'add'>(means, o.count, 'add'));
      yield* send(message<Count, 'look' | 'add'>('read', o.count, second));
      if (warns) yield* complaints[complains](had > 1);
      return had * keeps;
    },
  };
  const work = operations[names] as (o: Made) => Operation<number>;
  const look = access<Count, 'look'>('read', 'look');
  const result = local<number>('result');
  return variant({
    objects: { made: { ...made, lifetime: changes.cells ?? 'static' } as typeof made, ...more },
    threads: (o: { readonly made: Made }) => ({
      a: kind([call(work, o.made).into(result), call(work, o.made)], { forever: changes.forever ?? false }),
      b: [call(work, o.made), call(work, o.made)],
      ...(changes.third ? { c: [call(look, o.made.count)] } : {}),
    }),
    always: {
      bound:
        changes.always ??
        (waits
          ? (view: Seen) => !view.blocked('b') && view.made.count.value < limit
          : (view: Seen) => view.made.count.value < limit),
    },
    sometimes: { [changes.goal ?? 'three']: (view: Seen) => view.made.count.value === 3 },
    atEnd: { had: (view: Seen) => (view.result(result) ?? 0) < limit },
    expect: [],
  } as never);
}

/** All states but the last are met before the search is stopped. */
function refusalOf(kind: Kind, changed: Variant, from = design()): unknown {
  const file = join(folder, `${kind}.checkpoint`);
  run(kind, from, run(kind, from).states - 1).checkpoint?.save(file, origin);
  try {
    run(kind, changed, 10_000, new Resumption(file));
    return null;
  } catch (error) {
    return error;
  }
}

const WHERE = 'The checkpoint was made of other sources: ';

for (const kind of ['plain', 'reduced'] as const) {
  test(`${kind}: what is made anew of the same sources is no other`, (t) => {
    t.is(refusalOf(kind, design()), null);
  });

  for (const [what, changes, said] of [
    [
      'a machine moves elsewhere',
      { counter: { step: 2 } },
      '"made.count" (machine "counter") answers "add" in {} {"value":0} otherwise: 0, {} {"value":1} then, 0, {} {"value":2} now',
    ],
    ['a machine starts elsewhere', { counter: { from: 1 } }, 'the object "made.count" was made of'],
    ['a machine complains of less', { counter: { most: 2, says: 'x' } }, '"made.count" (machine "counter") answers "add" in'],
    ['a machine says it otherwise', { counter: { says: 'enough' } }, '"text":"too many"'],
    ['a machine lets nobody in', { counter: { lets: false } }, 'then, not at all now'],
    [
      'a machine has less room',
      { counter: { range: 2 } },
      '"made.count": machine "counter" leaves its declared range: {"value":3}',
    ],
    [
      'an operation takes another step',
      { second: 'add' },
      'Thread "a": work() after add of "made.count" = 0 came to look of "made.count", and comes to add of "made.count" now',
    ],
    ['an operation no longer takes a step', { warns: false }, 'came to WARN of "environment", and comes to'],
    [
      'the function in which something was found has another name',
      { complains: 'object' },
      'what was found, warn at "complain" (had > 1), is not there any more',
    ],
    ['an operation gives something else', { keeps: 2 }, 'with ["running",1,{"result":1}'],
    ['a step means something else', { means: 'read' }, 'Thread "a": work() began at add of "made.count", and this step says'],
    ['an operation has another name', { names: 'labour' }, 'the thread "a" was made of'],
    ['a thread is a daemon', { kind: daemon }, 'the thread "a" was made of'],
    ['a thread goes on for ever', { forever: true }, 'the thread "a" was made of'],
    ['there is one thread more', { third: true }, 'the thread "c" is new'],
    ['there is one object more', { other: true }, 'the object "more.allocation" is new'],
    ['an object is on the heap', { cells: 'heap' }, 'where the object "made.count" was is "made.allocation" now'],
    [
      'a predicate has other words',
      { always: () => true },
      'always "bound" was (view) => view.made.count.value < limit, and is () => true now',
    ],
    [
      'a predicate has the same words and means less',
      { limit: 3 },
      'always "bound" was true of a state of which it is false now',
    ],
    [
      'a predicate that asks who waits has the same words and means less',
      { limit: 3, waits: true },
      'always "bound" held in a state in which it does not now',
    ],
    ['what is to be reached has another name', { goal: 'tre' }, 'where sometimes "three" was is sometimes "tre" now'],
  ] satisfies [string, Changes, string][])
    test(`${kind}: refused and named: ${what}`, (t) => {
      const error = refusalOf(kind, design(changes), design({ waits: 'waits' in changes }));
      if (!(error instanceof ModelError)) return t.fail(String(error));
      t.true(error.message.startsWith(WHERE), error.message);
      t.true(error.message.includes(said), error.message);
      t.is(error.next, 'search anew, without --resume');
    });
}

test('what a search has not asked yet may be otherwise', (t) => {
  const file = join(folder, 'early.checkpoint');
  run('plain', design(), 2).checkpoint?.save(file, origin);
  const changed = design({ keeps: 2 });
  t.deepEqual(accountOf('plain', run('plain', changed, 10_000, new Resumption(file))), accountOf('plain', run('plain', changed)));
});
