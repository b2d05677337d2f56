/**
 * Optimal DPOR against brute force and against the search of all states, on generated programs over generated machines:
 * one run for each class of runs that differ in the order of independent steps, and the same findings.
 */
import test from 'ava';
import { fc, testProp } from '@fast-check/ava';
import type { Found, Progress } from '../../src/explore/found.ts';
import type { Fault } from '../../src/explore/judge.ts';
import { explore } from '../../src/explore/plain-search.ts';
import { Program } from '../../src/tables/program.ts';
import { type Generated, generated, variantOf } from '../helpers/random-programs.ts';
import { traced } from '../helpers/traced.ts';
import { countTraces } from '../helpers/traces.ts';

const numRuns = Number(process.env['ORACLE_RUNS'] ?? 150);

function finish<R>(search: Generator<Progress, R, string | null>): R {
  for (let turn = search.next(); ; turn = search.next(null)) if (turn.done) return turn.value;
}

for (const dependence of ['location', 'values'] as const)
  testProp(
    `as many runs as there are classes of runs that differ in the order of independent steps, by ${dependence}`,
    [generated(3, 4)],
    (t, it) => {
      const design = variantOf(it);
      const count = countTraces(new Program(design), 2_000, dependence);
      fc.pre(count !== null);
      const { traces, cutShort, cut } = traced(design, { dependence });
      t.deepEqual([traces, cutShort, cut], [count ?? 0, 0, null]);
    },
    { numRuns },
  );

const placesOf = ({ kind, object, text, sites }: Fault): string =>
  kind === 'deadlock'
    ? `deadlock ${sites
        .map((site) => `${site.event} ${site.object}`)
        .toSorted()
        .join(', ')}`
    : `${kind} ${object} ${text} ${sites.map((site) => site.event).join(' ')}`;
const saidBy = ({ judge, sightings }: Found): readonly string[] =>
  sightings
    .map(
      ({ fault, primary, byStep }) =>
        `${primary ? 'finding' : 'consequence'} ${placesOf(judge.faults[fault] as Fault)} ${byStep}`,
    )
    .toSorted();

/** What is wrong on a run, in the order in which it comes, the last thing last. */
function wrongOn({ program, judge }: Found, way: readonly { readonly thread: number; readonly way: number }[]) {
  const wrong: number[][] = [[...judge.ofState(program.initial(), way.length === 0 && program.isTerminal(program.initial()))]];
  const state = program.initial();
  const next = state.slice();
  for (const [i, { thread, way: taken }] of way.entries()) {
    program.choose(state, { thread, way: taken }, next);
    const splats = judge.ofStep(state, thread);
    state.set(next);
    wrong.push([...splats], [...judge.ofState(state, i === way.length - 1 && program.isTerminal(state))]);
  }
  return wrong;
}

function agrees(t: { deepEqual: (a: unknown, b: unknown) => unknown; true: (a: boolean) => unknown }, it: Generated): void {
  const design = variantOf(it, true);
  const program = new Program(design);
  const plain = finish(explore(program, design, { maxStates: 20_000 }));
  fc.pre(plain.cut === null);
  const ends = new Set<string>();
  const nameOf = (state: Int32Array): string => state.subarray(0, program.width - 1).join(' ');
  const dpor = traced(design, { onEnd: (state) => ends.add(nameOf(state)), maxTraces: 20_000 }, program);
  fc.pre(dpor.cut === null);
  t.deepEqual(saidBy(dpor), saidBy(plain));
  t.deepEqual(dpor.sometimes, plain.sometimes);
  t.deepEqual(dpor.cutShort, 0);
  const state = new Int32Array(program.width);
  const expected = new Set<string>();
  for (let id = 0; id < plain.visited.size; id++) {
    plain.visited.get(id, state);
    if (program.isTerminal(state)) expected.add(nameOf(state));
  }
  t.deepEqual([...ends].toSorted(), [...expected].toSorted());
  for (const sighting of dpor.sightings) {
    const { fault, primary, byStep } = sighting;
    const wrong = wrongOn(dpor, sighting.way());
    const last = byStep ? wrong.at(-2) : wrong.at(-1);
    t.true(last?.includes(fault) ?? false);
    if (primary) t.true(wrong.slice(0, byStep ? -2 : -1).every(({ length }) => length === 0));
  }
}

testProp('the same findings and consequences, ends and reached states as the search of all states', [generated(3, 4)], agrees, {
  numRuns,
});

test('nothing to do is one run', (t) => {
  const design = variantOf({ tables: [[], []], threads: [] });
  t.is(traced(design).traces, 1);
});
