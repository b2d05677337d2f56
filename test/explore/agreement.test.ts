/**
 * The reduced search against the search of every state, on random programs over random machines: what is found and
 * whether it can come first, what is reached, how it can end, and where each thread may ever stand.
 */
import { fc } from '@fast-check/ava';
import test from 'ava';
import { ModelError } from '../../src/index.ts';
import { attempt, outcomesOf, plainly, reducedly } from '../helpers/outcomes.ts';
import { randomPrograms, variantOf } from '../helpers/agreeing-programs.ts';

const MOST_STATES = 3000;
const RUNS = Number(process.env['AGREEMENT_RUNS'] ?? 400);

/** What the programs were like: among those that have nothing to find, or nothing to leave out, any two searches agree. */
const seen = { all: 0, found: 0, consequence: 0, deadlock: 0, invariant: 0, memory: 0, reached: 0, ends: 0, loops: 0, faulty: 0 };
const states = { plain: 0, reduced: 0 };

test('the reduced search finds what the search of every state finds', (t) => {
  const programs = fc.property(randomPrograms, (program) => {
    const design = variantOf(program);
    const plain = attempt(() => plainly(design, MOST_STATES));
    fc.pre(plain instanceof ModelError || plain.cut === null);
    const reduced = attempt(() => reducedly(design, MOST_STATES));
    // A model that is wrong is wrong for both, though they may meet something else of it first.
    t.is(reduced instanceof ModelError, plain instanceof ModelError);
    if (plain instanceof ModelError || reduced instanceof ModelError) {
      seen.faulty++;
      return;
    }
    const outcomes = outcomesOf(plain);
    t.deepEqual(outcomesOf(reduced), outcomes);
    t.true(reduced.states <= plain.states);
    count(outcomes, plain.program.hasLoops);
    states.plain += plain.states;
    states.reduced += reduced.states;
  });
  fc.assert(programs, { numRuns: RUNS });

  const share = (some: number) => some / seen.all;
  t.log(seen, states);
  t.true(seen.all > RUNS * 0.8);
  t.true(share(seen.found) > 0.6);
  t.true(share(seen.consequence) > 0.2);
  t.true(share(seen.deadlock) > 0.2);
  t.true(share(seen.loops) > 0.15);
  t.true(share(seen.ends) > 0.2);
  for (const some of [seen.invariant, seen.memory, seen.reached]) t.true(share(some) > 0.02);
  t.true(states.reduced < states.plain * 0.75);
});

function count({ findings, sometimes, ends }: ReturnType<typeof outcomesOf>, hasLoops: boolean): void {
  const has = (what: (line: string) => boolean) => Number(findings.some(what));
  seen.all++;
  seen.found += Number(findings.length > 0);
  seen.consequence += has((line) => line.endsWith('after another'));
  seen.deadlock += has((line) => line.startsWith('deadlock'));
  seen.invariant += has((line) => line.startsWith('invariant'));
  seen.memory += has((line) => line.startsWith('use-after-free') || line.startsWith('double-free'));
  seen.reached += Number(sometimes.length > 0);
  seen.ends += Number(ends.length > 1);
  seen.loops += Number(hasLoops);
}
