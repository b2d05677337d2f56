/** The best counterexample against brute force: every schedule of generated programs is played, and the least of the cheapest kept. */
import test from 'ava';
import { fc, testProp } from '@fast-check/ava';
import { choose, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import type { HandleTo } from '../../machines/object.ts';
import { type Best, type Bounds, countPreemptions, type Cost, findBest, type Goal } from '../../src/explore/best-search.ts';
import type { Choice } from '../../src/explore/choice.ts';
import { Judge } from '../../src/explore/judge.ts';
import { call, type Variant, variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { cells, increment } from '../helpers/tiny.ts';

type Op = { readonly do: 'read' | 'bump' | 'lock' | 'unlock' | 'either' } | { readonly do: 'write'; readonly value: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ do: fc.constantFrom('read' as const, 'bump' as const, 'lock' as const, 'unlock' as const, 'either' as const) }),
  fc.record({ do: fc.constant('write' as const), value: fc.nat(2) }),
);

function* play({ x, y, m }: HandleTo<typeof cells>, code: readonly Op[]): Operation {
  let seen = 0;
  for (const now of code)
    switch (now.do) {
      case 'read':
        seen = yield* load(x);
        break;
      case 'bump':
        yield* store(x, Math.min(seen + 1, 3));
        break;
      case 'write':
        yield* store(x, now.value);
        break;
      case 'lock':
        yield* mutex_lock(m);
        break;
      case 'unlock':
        yield* mutex_unlock(m);
        break;
      case 'either':
        if ((yield* choose('which', 'left', 'right')) === 'right') yield* store(y, 1);
        break;
    }
}

interface Case {
  readonly threads: readonly (readonly Op[])[];
  readonly never: number;
}
const cases: fc.Arbitrary<Case> = fc.record({
  threads: fc.array(fc.array(op, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 3 }),
  never: fc.integer({ min: 1, max: 3 }),
});

const designOf = ({ threads, never }: Case): Variant =>
  variant({
    objects: { cells },
    threads: ({ cells }) => Object.fromEntries(threads.map((code, t) => [`t${t}`, [call(play, cells, code)]])),
    always: { 'x is never that': ({ cells }) => cells.x.value !== never },
    atEnd: { 'y and x are not both set': ({ cells }) => cells.y.value === 0 || cells.x.value === 0 },
    expect: [],
  });

interface Schedule extends Cost {
  readonly choices: readonly Choice[];
}

const compare = (a: Schedule, b: Schedule): number => {
  const more = a.preemptions - b.preemptions || a.threads - b.threads || a.steps - b.steps;
  if (more !== 0) return more;
  for (const [i, { thread, way }] of a.choices.entries()) {
    const other = b.choices[i] as Choice;
    if (thread !== other.thread) return thread - other.thread;
    if (way !== other.way) return way - other.way;
  }
  return 0;
};

const MOST_STEPS = 60_000;

/** @returns for each fault the best of all schedules; null where there are too many of them */
function bruteForce(program: Program, judge: Judge, primary: boolean): ReadonlyMap<string, Schedule> | null {
  const best = new Map<string, Schedule>();
  let taken = 0;
  const meet = (faults: readonly number[], choices: readonly Choice[], preemptions: number) => {
    const threads = new Set(choices.map(({ thread }) => thread)).size;
    const schedule = { choices: [...choices], preemptions, threads, steps: choices.length };
    for (const fault of faults) {
      const known = best.get(judge.keyOf(fault));
      if (known === undefined || compare(schedule, known) < 0) best.set(judge.keyOf(fault), schedule);
    }
  };
  const visit = (state: Int32Array, choices: Choice[], preemptions: number) => {
    const wrong = judge.ofState(state, false);
    meet(wrong, choices, preemptions);
    if (primary && wrong.length > 0) return;
    if (program.isTerminal(state)) meet(judge.ofState(state, true), choices, preemptions);
    const last = choices.at(-1)?.thread;
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      const preempts = last !== undefined && last !== thread && program.anyEnabled(state, last) ? 1 : 0;
      for (let way = 0; way < ways; way++) {
        const next = state.slice();
        if (taken > MOST_STEPS || !program.take(state, thread, firstWay + way, next)) continue;
        taken++;
        const raised = judge.ofStep(state, thread);
        choices.push({ thread, way });
        meet(raised, choices, preemptions + preempts);
        if (!primary || raised.length === 0) visit(next, choices, preemptions + preempts);
        choices.pop();
      }
    }
  };
  visit(program.initial(), [], 0);
  return taken > MOST_STEPS ? null : best;
}

function search(program: Program, judge: Judge, goals: readonly Goal[], bounds: Partial<Bounds> = {}): Best {
  const turns = findBest(program, judge, goals, { primary: true, maxNodes: 1_000_000, ...bounds });
  for (let turn = turns.next(); ; turn = turns.next(null)) if (turn.done) return turn.value;
}

for (const primary of [true, false])
  testProp(
    `of all schedules ${primary ? 'on which nothing else comes first' : 'there are'}, none is better than the best, nor as good and before it`,
    [cases],
    (t, generated) => {
      const design = designOf(generated);
      const program = new Program(design);
      const judge = new Judge(program, design);
      const truth = bruteForce(program, judge, primary);
      fc.pre(truth !== null);
      const schedules = [...truth];
      const { found } = search(
        program,
        judge,
        schedules.map(([fault]) => ({ fault })),
        { primary },
      );
      for (const [i, [fault, { choices, preemptions, threads, steps }]] of schedules.entries()) {
        t.deepEqual(found[i], { choices, preemptions, proven: true }, fault);
        t.is(countPreemptions(program, choices), preemptions);
        const alone = (within: Cost) => search(program, judge, [{ fault }], { primary, within }).found[0];
        t.deepEqual(alone({ preemptions, threads, steps })?.choices, choices);
        t.is(alone({ preemptions, threads, steps: steps - 1 }), null);
      }
      t.pass();
    },
    { numRuns: Number(process.env['ORACLE_RUNS'] ?? 120) },
  );

test('a state that is wanted is come to with the fewest preemptions, of equals by the first thread', (t) => {
  // Both increments have read 0 before either is written: one preemption, and the first thread is the one that it hits.
  const design = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(increment, cells)], b: [call(increment, cells)] }),
    expect: [],
  });
  const program = new Program(design);
  const bothHaveRead = (state: Int32Array) =>
    [0, 1].every((thread) => program.position(state, thread).step?.event.type === 'store');
  const { found } = search(program, new Judge(program, design), [{ state: bothHaveRead }, { state: () => false }]);
  t.deepEqual(found, [
    {
      choices: [
        { thread: 0, way: 0 },
        { thread: 1, way: 0 },
      ],
      preemptions: 1,
      proven: true,
    },
    null,
  ]);
});

test('a search that is given up tells what it has met, and claims no more than it has seen', (t) => {
  const design = variant({
    objects: { cells },
    threads: ({ cells }) => ({ a: [call(increment, cells)], b: [call(increment, cells)], c: [call(increment, cells)] }),
    always: {
      'nobody has written': ({ cells }) => cells.x.value === 0,
      'nobody has written twice': ({ cells }) => cells.x.value < 2,
    },
    expect: [],
  });
  const program = new Program(design);
  const judge = new Judge(program, design);
  const goals = ['nobody has written', 'nobody has written twice'].map((name) => ({ fault: `invariant|${name}` }));
  const { found } = search(program, judge, goals, { primary: false, maxNodes: 20 });
  t.deepEqual(
    found.map((best) => best && { steps: best.choices.length, preemptions: best.preemptions, proven: best.proven }),
    [{ steps: 2, preemptions: 0, proven: true }, null],
  );
});
