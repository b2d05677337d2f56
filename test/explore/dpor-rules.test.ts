/** What optimal DPOR has to get right beside the number of runs, each with the small program that breaks without it. */
import test from 'ava';
import { again, choose, kfree, loop, message, type Operation, oneOf, WARN_ON } from '../../actors/step.ts';
import { complete, wait_for_completion } from '../../actors/sync/completion.ts';
import { READ_ONCE, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { completion } from '../../machines/sync/completion.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, daemon, task, type Variant, variant } from '../../src/index.ts';
import type { Traced } from '../../src/explore/dpor/explore-traces.ts';
import { Program } from '../../src/tables/program.ts';
import { traced } from '../helpers/traced.ts';
import { countTraces } from '../helpers/traces.ts';
import { type Generated, variantOf } from '../helpers/random-programs.ts';

const box = struct('box', { x: field<number>(0), y: field<number>(0), m: mutex(), n: mutex(), done: completion() });
type Box = HandleTo<typeof box>;
type Code = (box: Box) => Operation<unknown>;
type Asks = Pick<Parameters<typeof variant<{ box: typeof box }>>[0], 'always' | 'sometimes' | 'atEnd'>;

const of = (codes: readonly Code[], asks: Asks = {}): Variant =>
  variant({
    objects: { box },
    threads: (o) => Object.fromEntries(codes.map((code, i) => [`t${i}`, [call(code, o.box)]])),
    expect: [],
    ...asks,
  });

const steps = (...all: readonly Code[]): Code =>
  function* (it) {
    for (const step of all) yield* step(it);
  };
const warn = (text: string): Code =>
  function* () {
    yield* WARN_ON(true, text);
  };
const put =
  (cell: 'x' | 'y', value: number): Code =>
  (it) =>
    WRITE_ONCE(it[cell], value);
const get =
  (cell: 'x' | 'y'): Code =>
  (it) =>
    READ_ONCE(it[cell]);
const lock: Code = ({ m }) => mutex_lock(m);
const unlock: Code = ({ m }) => mutex_unlock(m);

/** In a line each, those that can come first before those that cannot. */
const saidBy = ({ sightings, judge }: Traced): readonly string[] =>
  sightings
    .map(({ fault, primary }) => `${primary ? 'finding' : 'later'}: ${judge.faults[fault]?.kind} ${judge.faults[fault]?.text}`)
    .toSorted();

test('a lock that is taken and let go before another wants it gives way to the other', (t) => {
  t.is(traced(of([steps(lock, unlock), steps(lock, unlock)])).traces, 2);
});

test('who waits at the end for what is not given back is tried in the other order', (t) => {
  const { traces, sightings } = traced(of([lock, lock]));
  t.is(traces, 2);
  // That it is kept, and that the other waits for it.
  t.is(sightings.length, 2);
});

test('a run that ends blocked is a run, and a daemon that is left waiting is no finding', (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box: it }) => ({
      a: [call(put('x', 1), it)],
      d: daemon([call(({ done }: Box) => wait_for_completion(done), it)]),
    }),
    expect: [],
  });
  const { traces, sightings } = traced(design);
  t.deepEqual([traces, sightings], [1, []]);
});

test('each way of a step is taken where it is enabled, also where another order enables it', (t) => {
  const waits: Code = function* ({ done }) {
    const { way } = yield* oneOf({
      done: message('wait', done, 'wait_for_completion'),
      signal: { object: 'environment', event: { type: 'choose', what: 'signal', way: 'signal' }, means: { kind: 'choose' } },
    });
    yield* WARN_ON(way === 'done', 'done was taken');
  };
  // The signal; the completion and then the wait: what is completed without being waited for makes no other run.
  const { traces, sightings } = traced(of([waits, ({ done }) => complete(done)]));
  t.deepEqual([traces, sightings.length], [2, 1]);
});

test('of three who may each leave a wait by a choice and of one completion, every one may have got it', (t) => {
  const waits: Code = function* ({ done }) {
    yield* oneOf({
      done: message('wait', done, 'wait_for_completion'),
      signal: { object: 'environment', event: { type: 'choose', what: 'signal', way: 'signal' }, means: { kind: 'choose' } },
    });
  };
  const design = of([waits, waits, waits, ({ done }) => complete(done)]);
  // Nobody got it, or one of the three did.
  t.is(traced(design).traces, 4);
});

test('a choice of the environment makes a run for each way', (t) => {
  const chooses: Code = () => choose('luck', 'good', 'bad', 'none');
  t.is(traced(of([chooses, chooses])).traces, 9);
});

test('a thread that waits for a lock in memory that is freed is stopped there, in both orders', (t) => {
  const { sightings, judge } = traced(of([steps(lock, (it) => kfree(it)), lock]));
  const kinds = sightings.map(({ fault, primary }) => `${judge.faults[fault]?.kind} ${primary}`);
  t.deepEqual(kinds.toSorted(), [
    'deadlock false',
    'lock-held-at-exit false',
    'lock-held-at-exit true',
    'use-after-free false',
    'warn true',
  ]);
});

test('what comes first merely by the order that was chosen makes no consequence', (t) => {
  t.deepEqual(saidBy(traced(of([warn('a'), warn('b')]))), ['finding: warn a', 'finding: warn b']);
  t.is(traced(of([warn('a'), warn('b')])).traces, 1);
  t.deepEqual(saidBy(traced(of([steps(warn('a'), put('x', 1)), steps(get('x'), warn('b'))]))), [
    'finding: warn a',
    'finding: warn b',
  ]);
});

test('what cannot come but after a finding is a consequence', (t) => {
  const after: Code = function* ({ x }) {
    yield* WARN_ON((yield* READ_ONCE(x)) === 1, 'b');
  };
  t.deepEqual(saidBy(traced(of([steps(warn('a'), put('x', 1)), after]))), ['finding: warn a', 'later: warn b']);
});

test('the way to a finding is what had to come before it, and nothing else', (t) => {
  const after: Code = function* ({ x }) {
    yield* WARN_ON((yield* READ_ONCE(x)) === 1, 'b');
  };
  const { sightings } = traced(of([put('x', 1), steps(put('y', 1), put('y', 2)), after]));
  t.deepEqual(
    sightings.map((sighting) => sighting.way().map(({ thread }) => thread)),
    [[0, 2, 2]],
  );
});

const blink = (cell: 'x' | 'y'): Code => steps(put(cell, 1), put(cell, 0));

test('steps that change what an invariant looks at are ordered, so that a state between them is not missed', (t) => {
  const never = { always: { 'not both': ({ box: { x, y } }) => !(x.value === 1 && y.value === 1) } } satisfies Asks;
  t.is(traced(of([blink('x'), blink('y')])).traces, 1);
  t.deepEqual(saidBy(traced(of([blink('x'), blink('y')], never))), ['finding: invariant "not both" does not hold']);
});

test('the same for what is to be reached', (t) => {
  const both = { sometimes: { both: ({ box: { x, y } }) => x.value === 1 && y.value === 1 } } satisfies Asks;
  t.deepEqual(traced(of([blink('x'), blink('y')], both)).sometimes, [{ name: 'both', reached: true }]);
});

test('who is blocked is told by the objects for which it waits', (t) => {
  const waits = { sometimes: { waits: ({ box: { x }, blocked }) => x.value === 1 && blocked('t1') } } satisfies Asks;
  t.deepEqual(traced(of([steps(lock, unlock), lock, blink('x')], waits)).sometimes, [{ name: 'waits', reached: true }]);
});

test('a state that was wrong before makes a consequence of what comes after it, and not of what need not', (t) => {
  const never = { always: { 'x is 0': ({ box: { x } }) => x.value === 0 } } satisfies Asks;
  t.deepEqual(saidBy(traced(of([steps(put('x', 1), warn('a')), warn('b')], never))), [
    'finding: invariant "x is 0" does not hold',
    'finding: warn b',
    'later: warn a',
  ]);
});

test('where the first state is wrong, everything else is a consequence', (t) => {
  const never = { always: { 'x is 1': ({ box: { x } }) => x.value === 1 } } satisfies Asks;
  t.deepEqual(saidBy(traced(of([warn('a')], never))), ['finding: invariant "x is 1" does not hold', 'later: warn a']);
});

test('a thread that waits where the bound has stopped it might have gone on in another order: that is said, too', (t) => {
  const design = variant({
    objects: { box },
    threads: ({ box: it }) => ({
      d: daemon([call(({ done }: Box) => wait_for_completion(done), it)], { forever: true }),
      a: [call(({ done }: Box) => complete(done), it)],
    }),
    expect: [],
  });
  t.is(traced(design, { maxTurns: 1 }).cut, 'loops at 1 turns');
  t.is(traced(design, { maxTurns: 2 }).cut, null);
});

test('loops are gone round as often as was said, and the verdict says so', (t) => {
  const spin: Code = ({ x }) =>
    loop(null, function* () {
      return (yield* READ_ONCE(x)) === 0 ? again(null) : undefined;
    });
  // Seen in the first, second or third turn, or never within them.
  const bounded = traced(of([spin, put('x', 1)]), { maxTurns: 3 });
  t.deepEqual([bounded.traces, bounded.cut, bounded.cutShort], [4, 'loops at 3 turns', 0]);
  const twice = variant({
    objects: { box },
    threads: ({ box: it }) => ({ a: task([call(get('x'), it)], { forever: true }) }),
    expect: [],
  });
  t.deepEqual([traced(twice, { maxTurns: 5 }).steps, traced(twice, { maxTurns: 5 }).cut], [5, 'loops at 5 turns']);
});

test('a search that is told to stop says why', (t) => {
  const many = of([put('x', 1), put('x', 2), put('x', 3)]);
  t.deepEqual([traced(many, { maxTraces: 2 }).traces, traced(many, { maxTraces: 2 }).cut], [2, '2 traces']);
  t.deepEqual([traced(many, { maxTraces: 6 }).traces, traced(many, { maxTraces: 6 }).cut], [6, null]);
});

test('equal writes commute by value, and by location they do not', (t) => {
  const same = of([put('x', 1), put('x', 1)]);
  t.deepEqual([traced(same).traces, traced(same, { dependence: 'values' }).traces], [2, 1]);
  const other = of([put('x', 1), put('x', 2)]);
  t.is(traced(other, { dependence: 'values' }).traces, 2);
});

const to = (value: number) => ({ to: value, reply: 0, splat: 'none' }) as const;
/** Programs of which nothing else here would tell. */
const once: { readonly [name: string]: Generated } = {
  'a step that waits for one object, and is stopped at another that is freed, before it would wait': {
    tables: [
      [[to(0), null, null, null], [to(1), null, null, null], []],
      [[], [to(0), null, null, null], []],
    ],
    threads: [
      [{ do: 'free', object: 1 }],
      [
        {
          do: 'say',
          ways: [
            { object: 0, event: 0, also: 1, means: 'update' },
            { object: 0, event: 0, also: null, means: 'update' },
          ],
        },
        { do: 'free', object: 0 },
      ],
      [
        { do: 'say', ways: [{ object: 0, event: 1, also: null, means: 'update' }] },
        { do: 'free', object: 0 },
      ],
    ],
  },
  'a thread that comes to stand before a lock that it holds, while another frees the lock': {
    tables: [[], []],
    threads: [
      [
        { do: 'lock', object: 0 },
        { do: 'marked', object: 1 },
        { do: 'lock', object: 0 },
      ],
      [{ do: 'free', object: 0 }],
    ],
  },
  'a step that two equal writes keep waiting, each by itself': {
    tables: [
      [[to(0), null, null, null], [to(1), to(1), null, null], []],
      [[], [], []],
    ],
    threads: [
      [{ do: 'say', ways: [{ object: 0, event: 1, also: null, means: 'write' }] }],
      [{ do: 'say', ways: [{ object: 0, event: 1, also: null, means: 'write' }] }],
      [{ do: 'say', ways: [{ object: 0, event: 0, also: null, means: 'update' }] }],
    ],
  },
};

for (const [name, program] of Object.entries(once))
  for (const dependence of ['location', 'values'] as const)
    test(`as many runs as brute force counts by ${dependence}: ${name}`, (t) => {
      const design = variantOf(program);
      t.is(countTraces(new Program(design), 20_000, dependence), traced(design, { dependence }).traces);
    });
