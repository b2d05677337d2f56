/** Data races as findings: who is asked to look, what the verdict says of how, and what the finding is. */
import test from 'ava';
import { again, type Operation, loop, WARN_ON } from '../../actors/step.ts';
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import type { How } from '../../src/check/strategy.ts';
import { call, checkVariant, ModelError, type Variant, type VariantSpec, variant } from '../../src/index.ts';
import { type Cells, cells, scenarioOf, summaries } from '../helpers/tiny.ts';

type Code = (o: Cells) => Operation<unknown>;
type Asks = Partial<Pick<VariantSpec<{ cells: typeof cells }>, 'races' | 'expect' | 'start'>>;

const checkBy = (design: Variant, how: Partial<How> = {}) =>
  checkVariant(scenarioOf({ it: design }), 'it', { maxStates: 100_000, how });

const of = (threads: { readonly [name: string]: Code }, asks: Asks = {}): Variant =>
  variant({
    objects: { cells },
    threads: (o) => Object.fromEntries(Object.entries(threads).map(([name, code]) => [name, [call(code, o.cells)]])),
    expect: [],
    ...asks,
  });

function* reads({ x }: Cells): Operation {
  yield* load(x);
}
function* writes({ x }: Cells): Operation {
  yield* store(x, 1);
}
function* writes_marked({ x }: Cells): Operation {
  yield* WRITE_ONCE(x, 1);
}
function* reads_marked({ x }: Cells): Operation {
  yield* READ_ONCE(x);
}
const locked = (code: Code): Code =>
  function* (o) {
    yield* mutex_lock(o.m);
    yield* code(o);
    yield* mutex_unlock(o.m);
  };

const RACE = 'data-race cells.x load..store';

for (const [what, threads, found] of [
  ['a plain read beside a plain write', { a: reads, b: writes }, [RACE]],
  ['two plain writes', { a: writes, b: writes }, ['data-race cells.x store..store']],
  ['a marked read beside a plain write', { a: reads_marked, b: writes }, [RACE]],
  ['a plain read beside a marked write', { a: reads, b: writes_marked }, [RACE]],
  ['a marked read beside a marked write', { a: reads_marked, b: writes_marked }, []],
  ['two plain reads', { a: reads, b: reads }, []],
  ['both under the lock', { a: locked(reads), b: locked(writes) }, []],
  ['one of them under the lock', { a: reads, b: locked(writes) }, [RACE]],
] as const)
  for (const strategy of ['plain', 'reduced', 'dpor'] as const)
    test(`${what}, by ${strategy}`, async (t) => {
      const result = await checkBy(of(threads, { races: true }), { strategy });
      t.deepEqual(summaries(result), found);
      t.true(result.exhaustive);
      t.true(result.searched.includes('data-race'));
    });

test('they are looked for where the scenario asks, expects one, or the user asks, and nowhere else', async (t) => {
  const threads = { a: reads, b: writes };
  const usual = await checkBy(of(threads));
  t.deepEqual([usual.outcome, usual.findings.length, usual.searched.includes('data-race')], ['as-expected', 0, false]);
  t.deepEqual(summaries(await checkBy(of(threads), { races: true })), [RACE]);
  t.deepEqual(summaries(await checkBy(of(threads, { races: true }))), [RACE]);
  const expected = await checkBy(of(threads, { expect: [{ kind: 'data-race', object: 'cells.x', between: ['load', 'store'] }] }));
  t.deepEqual([expected.outcome, expected.findings.map((finding) => finding.expected)], ['as-expected', [true]]);
});

test('one that is expected and does not come is missing', async (t) => {
  const design = of({ a: locked(reads), b: locked(writes) }, { expect: [{ kind: 'data-race', object: 'cells.x' }] });
  t.is((await checkBy(design)).outcome, 'missing');
});

test('the verdict says by which definition', async (t) => {
  const design = of({ a: reads, b: writes }, { races: true });
  t.deepEqual((await checkBy(design)).notes, ['Data races: both accesses next in one state, and by happens-before.']);
  t.deepEqual((await checkBy(design, { strategy: 'dpor' })).notes, ['Data races: by happens-before.']);
});

function* poll({ y }: Cells): Operation {
  yield* loop(null, function* () {
    return (yield* READ_ONCE(y)) === 0 ? again(null) : undefined;
  });
}
const hands: Code = function* ({ x, y }) {
  yield* store(x, 1);
  yield* WRITE_ONCE(y, 1);
};
const takes: Code = function* (o) {
  yield* poll(o);
  yield* load(o.x);
};

test('where loops keep happens-before from being whole it is said, and what is missing by it is not called missing', async (t) => {
  const note = 'Data races: both accesses next in one state; by happens-before not all runs were taken (loops at 3 turns).';
  const found = await checkBy(of({ a: hands, b: takes }, { races: true }));
  t.deepEqual([summaries(found), found.notes], [[RACE], [note]]);
  const never = await checkBy(
    of(
      { a: hands, b: takes },
      {
        expect: [
          { kind: 'data-race', object: 'cells.z' },
          { kind: 'data-race', object: 'cells.x' },
        ],
      },
    ),
  );
  t.deepEqual([never.outcome, never.cut], ['cut', 'data races by happens-before']);
});

test('who cannot look says so when asked', async (t) => {
  const error = await t.throwsAsync(() => checkBy(of({ a: reads, b: writes }), { strategy: 'pct', runs: 10, races: true }), {
    instanceOf: ModelError,
  });
  t.is(error?.message, 'Data races are not looked for by the strategy "pct"');
});

const afterAll: Code = function* ({ x, y, z }) {
  yield* store(z, 1);
  yield* store(y, 1);
  yield* load(x);
};

test('the counterexample has the fewest preemptions, and no thread that it does not need', async (t) => {
  const design = of({ a: locked(writes), other: locked(reads_marked), b: afterAll }, { races: true });
  const { findings } = await checkBy(design);
  const race = findings.find(({ kind, object }) => kind === 'data-race' && object === 'cells.x');
  // Of two orders, one lets the reader come to its end first: the writer then has to be left in its section, or before it.
  t.deepEqual([race?.preemptions, race?.proven, race?.threads], [1, true, ['a', 'b']]);
  t.deepEqual(race?.without, ['other']);
  const [first, second] = race?.pair.marked ?? [];
  t.is(second, (first ?? 0) + 1);
});

test('it is one race whichever of the two comes first, and whatever they are called', async (t) => {
  const id = async (threads: { readonly [name: string]: Code }) =>
    (await checkBy(of(threads, { races: true }))).findings.map((finding) => finding.id);
  const [one] = await id({ a: reads, b: writes });
  t.deepEqual(await id({ a: writes, b: reads }), [one]);
  t.deepEqual(await id({ reader: reads, writer: writes, third: reads }), [one]);
});

test('one access races, another of the same function does not: they are told apart', async (t) => {
  const both: Code = function* both({ x }) {
    yield* READ_ONCE(x);
    yield* load(x);
  };
  const { findings } = await checkBy(of({ a: both, b: writes_marked }, { races: true }));
  t.deepEqual(
    findings.map(({ message }) => message),
    ['cells.x: a plain read in both() and a marked write in writes_marked(), and nothing orders them'],
  );
});

test('a race makes nothing a consequence, and is one of what was wrong before', async (t) => {
  const first = await checkBy(of({ a: reads, b: writes, c: () => WARN_ON(true, 'it') }, { races: true }), { strategy: 'plain' });
  t.deepEqual(first.findings.map(({ kind }) => kind).toSorted(), ['data-race', 'warn']);
  t.deepEqual(first.consequences, []);
  const warned = (code: Code): Code =>
    function* (o) {
      yield* WARN_ON(true, 'it');
      yield* code(o);
    };
  for (const strategy of ['plain', 'reduced', 'dpor'] as const) {
    const { findings, consequences } = await checkBy(of({ a: warned(reads), b: writes }, { races: true }), { strategy });
    t.deepEqual([findings.map(({ kind }) => kind), consequences.map(({ kind }) => kind)], [['warn'], ['data-race']], strategy);
  }
});

test('the reduced search keeps two steps next to each other that race, though to store the same again changes nothing', async (t) => {
  const later: Code = function* ({ x, y }) {
    yield* store(y, 1);
    yield* load(x);
  };
  const design = of({ a: writes, b: later }, { races: true, start: { 'cells.x': { value: 1 } } });
  t.deepEqual(summaries(await checkBy(design, { strategy: 'reduced' })), [RACE]);
});

test('threads that share a search find them, too', async (t) => {
  const design = of({ a: reads, b: locked(writes), c: afterAll }, { races: true });
  const alone = await checkBy(design, { strategy: 'reduced' });
  const shared = await checkBy(design, { strategy: 'reduced', workers: 2 });
  t.deepEqual(
    shared.findings.map(({ id }) => id),
    alone.findings.map(({ id }) => id),
  );
});
