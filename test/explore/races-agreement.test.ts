/**
 * Data races against brute force, on generated programs: field, the two positions, and whether anything else is wrong
 * before. The search of every state and the reduced one find those that meet in a state; optimal DPOR those that nothing
 * orders on some run.
 */
import { fc } from '@fast-check/ava';
import test from 'ava';
import { exploreReduced } from '../../src/explore/reduced-search.ts';
import { type Explored, explore } from '../../src/explore/plain-search.ts';
import { CoEnabled } from '../../src/explore/races/co-enabled.ts';
import type { Variant } from '../../src/index.ts';
import { Program } from '../../src/tables/program.ts';
import { bruteRaces, type Races, raceKey, siteOf } from '../helpers/brute-races.ts';
import { played } from '../helpers/outcomes.ts';
import { racing, racingVariant } from '../helpers/random-races.ts';
import { traced } from '../helpers/traced.ts';

const RUNS = Number(process.env['RACES_RUNS'] ?? 1000);
const MOST_SCHEDULES = 700;

const sorted = (races: Races): readonly (readonly [string, boolean])[] => [...races].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** The races in what a search has stored. */
function metIn({ program, judge, visited }: Explored): Races {
  const races = new CoEnabled(program, judge);
  const met = new Map<string, boolean>();
  const state = program.initial();
  for (let at = 0; at < visited.size; at++) {
    visited.get(at, state);
    const isFirst = !program.isTainted(state) && !judge.isWrong(state);
    for (const { fault, choices } of races.of(state)) {
      const [slot = -1] = judge.faults[fault]?.reads ?? [];
      const key = raceKey(
        program,
        slot,
        choices.map(({ thread, way }) => siteOf(program, state, thread, way)),
      );
      met.set(key, isFirst || met.get(key) === true);
    }
  }
  return met;
}

function unorderedBy(design: Variant, program: Program): Races {
  const { races, cut } = traced(design, {}, program);
  if (cut !== null) throw new Error(`cut: ${cut}`);
  const found = new Map<string, boolean>();
  for (const { slot, accesses, primary } of races) {
    const key = raceKey(
      program,
      slot,
      accesses.map(({ position, way }) => `${position.thread} ${position.key} ${way - position.firstWay}`),
    );
    found.set(key, primary || found.get(key) === true);
  }
  return found;
}

/** What the programs were like: where nothing races, or everything does, any two agree. */
const seen = { all: 0, met: 0, unorderedOnly: 0, ordered: 0, later: 0 };

test('each search finds the data races of its definition, and no others', (t) => {
  const programs = fc.property(racing, (threads) => {
    const design = racingVariant(threads);
    const brute = bruteRaces(design, MOST_SCHEDULES);
    fc.pre(brute !== null);
    if (brute === null) return;
    const limits = { maxStates: 20_000, keepsRaces: true };
    const program = new Program(design);
    const plain = played(explore(program, design, limits));
    const reduced = played(exploreReduced(new Program(design), design, limits));
    t.deepEqual(sorted(metIn(plain)), sorted(brute.met), 'plain');
    t.deepEqual(sorted(metIn(reduced)), sorted(brute.met), 'reduced');
    t.deepEqual(sorted(unorderedBy(design, program)), sorted(brute.unordered), 'dpor');
    t.deepEqual(
      [...brute.met.keys()].filter((key) => !brute.unordered.has(key)),
      [],
    );
    seen.all++;
    seen.met += Number(brute.met.size > 0);
    seen.unorderedOnly += Number(brute.unordered.size > brute.met.size);
    seen.ordered += Number(brute.unordered.size === 0);
    seen.later += Number([...brute.unordered.values()].includes(false));
  });
  fc.assert(programs, { numRuns: RUNS });
  t.log(seen);
  t.is(seen.all, RUNS);
  const share = (some: number) => some / seen.all;
  t.true(share(seen.met) > 0.2);
  t.true(share(seen.unorderedOnly) > 0.03);
  t.true(share(seen.ordered) > 0.2);
  t.true(share(seen.later) > 0.01);
});
