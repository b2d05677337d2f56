/** What a lock is in the way of: who waits for it, behind whom, and what is done while it is held. */
import type { Meaning } from '../../actors/step.ts';
import type { Position, Program } from '../tables/program.ts';
import type { LockStep, Observed } from './accesses.ts';
import { groupBy, unique } from './group.ts';
import { inSourceOrder, type Place, placeKey } from './site.ts';
import { type Chain, MET } from './visits.ts';

export interface PlacedCall {
  readonly function: string;
  readonly event: string;
  readonly place: Place | null;
}

export interface LockFacts {
  readonly lock: string;
  readonly type: string;
  /** Some lock of the class is taken shared. */
  readonly shared: boolean;
  /** Where it is taken. */
  readonly taken: readonly PlacedCall[];
  /** In how many of the states in which nothing is wrong some thread waits for one of the class. */
  readonly contended: number;
  /** The most threads that wait for one lock of the class at a time. */
  readonly mostWaiting: number;
  /** Each waits for the lock that the next one holds; null where nobody ever waits. */
  readonly longestChain: readonly { readonly thread: string; readonly function: string; readonly waitsFor: string }[] | null;
  /** Who holds the last lock of the chain; null where that is not one thread outside of the chain. */
  readonly chainHolder: string | null;
  /** What its holder calls, but for reads and assignments; not what those functions call in turn. */
  readonly calls: readonly string[];
  readonly callbacks: readonly { readonly by: string; readonly function: string }[];
  /** Steps that wait for what others do. */
  readonly waits: readonly PlacedCall[];
  readonly allocations: readonly PlacedCall[];
}

export function lockFacts(observed: Observed): readonly LockFacts[] {
  const taken = sectionsOf(observed);
  return [...groupBy(observed.acquires, ({ lock }) => lock.class)]
    .map(([name, acquires]) => factsOf(observed, name, acquires, taken))
    .toSorted((a, b) => (a.lock < b.lock ? -1 : 1));
}

function factsOf(observed: Observed, name: string, acquires: readonly [LockStep, ...LockStep[]], sections: Sections): LockFacts {
  const { explored, visits, siteOf, locks } = observed;
  const className = (path: string) => locks.get(path)?.class ?? path;
  const waits = [...visits.waits].filter(([path]) => className(path) === name).map(([, each]) => each);
  const longest = waits
    .map((each) => each.longest)
    .reduce<Chain | null>((a, b) => ((b?.links.length ?? 0) > (a?.links.length ?? 0) ? b : a), null);
  const threadOf = ({ thread }: Position) => explored.program.world.threads[thread]?.name ?? '';
  const inside = sections.filter(({ lock }) => className(lock) === name);
  const ownCalls = (position: Position) => callsIn(position, explored.program);
  const placed = (positions: readonly Position[]) => placedCalls(positions, observed);
  return {
    lock: name,
    type: acquires[0].lock.type,
    shared: acquires.some(({ means }) => means.mode === 'shared'),
    taken: placed(acquires.map(({ position }) => position)),
    contended: waits.reduce((sum, { states }) => sum + states, 0),
    mostWaiting: Math.max(0, ...waits.map(({ most }) => most)),
    longestChain:
      longest?.links.map(({ position, lock }) => ({
        thread: threadOf(position),
        function: siteOf(position).function,
        waitsFor: className(lock),
      })) ?? null,
    chainHolder: longest?.holder ? threadOf(longest.holder) : null,
    calls: unique(inside.flatMap(({ entered, position }) => entered[0] ?? ownCalls(position))).toSorted(),
    callbacks: callbacksIn(inside, siteOf),
    waits: placed(inside.filter(({ position }) => waitsForOthers(position, explored.program)).map(({ position }) => position)),
    allocations: placed(inside.filter(({ position }) => allocates(position)).map(({ position }) => position)),
  };
}

/** By the kernel's names of the steps. */
function callsIn(position: Position, program: Program): readonly string[] {
  const { step } = position;
  return step !== null && step.object !== 'environment' && CALLS.includes(meaningOf(position, program)?.kind ?? 'read')
    ? [step.event.type]
    : [];
}

function meaningOf({ firstWay }: Position, { ways }: Program): Meaning | undefined {
  const { means = [], main = 0 } = ways[firstWay] ?? {};
  return means[main];
}

function waitsForOthers(position: Position, program: Program): boolean {
  const means = meaningOf(position, program);
  return means?.kind === 'wait' && means.try !== true;
}

const CALLS: readonly Meaning['kind'][] = ['update', 'wait', 'signal', 'get', 'put'];

function callbacksIn(inside: Sections, siteOf: Observed['siteOf']): LockFacts['callbacks'] {
  const all = inside.flatMap(({ position, entered }) =>
    siteOf(position).calledBack.filter((each) => entered.includes(each.function)),
  );
  const groups = groupBy(all, ({ by, function: called }) => `${by} ${called}`);
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, [each]]) => each);
}

const allocates = ({ step }: Position): boolean => step?.event.type === 'kzalloc';

function placedCalls(positions: readonly Position[], { siteOf }: Observed): readonly PlacedCall[] {
  const sites = groupBy(positions.map(siteOf), placeKey);
  return [...sites.values()]
    .map(([{ function: name, event, place }]) => ({ function: name, event, place }))
    .toSorted(inSourceOrder);
}

/** A step that is taken while a lock is held, and the functions that were entered since that was taken. */
type Sections = readonly { readonly position: Position; readonly lock: string; readonly entered: readonly string[] }[];

/** By lock, the functions that stood open where it was taken. */
type TakenIn = ReadonlyMap<string, readonly string[]>;

/** Goes along the ways of each thread, and remembers of each lock that is held where it was taken. */
function sectionsOf({ explored, visits, siteOf }: Observed): Sections {
  const { program } = explored;
  const state = program.initial();
  const open = Array.from({ length: program.threads }, (_, thread) => program.position(state, thread));
  const taken = new Map<Position, TakenIn>(open.map((position) => [position, new Map()]));
  for (const position of open)
    for (let way = position.firstWay; way < position.firstWay + position.ways; way++)
      for (const kid of program.ways[way]?.kids.values() ?? []) {
        const next = program.positions[kid.position] as Position;
        if (taken.has(next)) continue;
        const before = taken.get(position);
        const held = unique(next.held.map(({ object }) => object));
        taken.set(next, new Map(held.map((lock) => [lock, before?.get(lock) ?? siteOf(position).functions])));
        open.push(next);
      }
  const isMet = ({ firstWay, ways }: Position) => visits.ways.subarray(firstWay, firstWay + ways).includes(MET);
  return [...taken].flatMap(([position, held]) =>
    isMet(position)
      ? [...held].map(([lock, from]) => ({ position, lock, entered: enteredSince(from, siteOf(position).functions) }))
      : [],
  );
}

/** A function that takes a lock for its caller has returned by then. */
function enteredSince(from: readonly string[], functions: readonly string[]): readonly string[] {
  const parts = functions.findIndex((name, depth) => name !== from[depth]);
  return parts < 0 ? [] : functions.slice(parts);
}
