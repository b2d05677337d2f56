/** On generated programs of locks the checker says what playing every schedule shows, whichever search it takes. */
import { testProp } from '@fast-check/ava';
import { explore } from '../../src/explore/plain-search.ts';
import { exploreReduced } from '../../src/explore/reduced-search.ts';
import type { Search } from '../../src/explore/found.ts';
import { type CheckResult, checkVariant, type Finding, type Variant } from '../../src/index.ts';
import { lockEdges } from '../../src/locks/lock-edges.ts';
import { Program } from '../../src/tables/program.ts';
import { play, type Program as Locks, programs, variantOf } from '../helpers/random-locks.ts';
import { scenarioOf } from '../helpers/tiny.ts';

const numRuns = Number(process.env['LOCK_RUNS'] ?? 60);

function edgesBy(design: Variant, begin: (program: Program) => Search): readonly string[] {
  const program = new Program(design);
  const search = begin(program);
  while (!search.next(null).done);
  return [...new Set(lockEdges(program).map(({ from, to }) => `${from.name} -> ${to.name}`))].toSorted();
}

testProp(
  'the edges are those that some schedule shows, by every state and by a reduced search',
  [programs],
  (t, locks) => {
    const design = variantOf(locks);
    const expected = [...play(locks).edges].toSorted();
    t.deepEqual(
      edgesBy(design, (program) => explore(program, design, { maxStates: 100_000 })),
      expected,
    );
    t.deepEqual(
      edgesBy(design, (program) => exploreReduced(program, design, { maxStates: 100_000 })),
      expected,
    );
  },
  { numRuns },
);

const check = (locks: Locks, strategy: 'plain' | 'reduced' | 'dpor'): Promise<CheckResult> =>
  checkVariant(scenarioOf({ it: variantOf(locks) }), 'it', { maxStates: 100_000, shrink: false, how: { strategy } });

const classesOf = ({ order }: Finding): string => [...new Set(order?.links.map(({ takes }) => takes))].toSorted().join(' ');
const isConfirmed = ({ order }: Finding): boolean => order?.verdict?.startsWith('confirmed') === true;

testProp(
  'a circle is confirmed where threads wait for each other in just that circle, and then a deadlock says so; else it is refuted',
  [programs],
  async (t, locks) => {
    const { rings, sleeps, keeps } = play(locks);
    const { findings, consequences } = await check(locks, 'plain');
    const orders = findings.filter(({ kind }) => kind === 'lock-order');
    for (const order of orders) {
      t.is(isConfirmed(order), rings.has(classesOf(order)), order.message);
      t.regex(order.order?.verdict ?? '', /^(confirmed, see deadlock-\w+|refuted: .+)$/);
    }
    const all = [...findings, ...consequences].map(({ kind }) => kind);
    t.is(all.includes('sleep-in-atomic'), sleeps);
    t.is(all.includes('lock-held-at-exit'), keeps);
    // A ring that is no circle of its own contains the classes of one.
    for (const ring of rings)
      t.true(
        orders.some((order) =>
          classesOf(order)
            .split(' ')
            .every((name) => ring.split(' ').includes(name)),
        ),
      );
  },
  { numRuns },
);

testProp(
  'each search says the same of the order of locks, of sleeping and of what is held at exit',
  [programs],
  async (t, locks) => {
    const told = ({ findings, consequences }: CheckResult): readonly string[] =>
      [...findings.map((finding) => [finding, 'first'] as const), ...consequences.map((finding) => [finding, 'after'] as const)]
        .filter(([{ kind }]) => ['lock-order', 'sleep-in-atomic', 'lock-held-at-exit'].includes(kind))
        .map(([{ id, message }, when]) => `${id} ${message.replace(/deadlock-\w+/, 'deadlock')} ${when}`)
        .toSorted();
    const expected = told(await check(locks, 'plain'));
    t.deepEqual(told(await check(locks, 'reduced')), expected);
    t.deepEqual(told(await check(locks, 'dpor')), expected);
  },
  { numRuns },
);
