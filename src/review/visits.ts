/**
 * What the states of a finished search say about locks: which steps are taken while nothing is wrong yet, which of them
 * can be next at the same time, and who waits for whom.
 */
import type { Explored } from '../explore/plain-search.ts';
import type { Position, Program } from '../tables/program.ts';
import { FIRST } from '../tables/stepper.ts';

/** How far a way was met. */
export const NEVER = 0;
export const AFTER_A_FINDING = 1;
export const MET = 2;

/** Threads that wait one behind the other: each for the lock that the next one holds. */
export interface Chain {
  readonly links: readonly { readonly position: Position; readonly lock: string }[];
  /** Who holds the last lock, and does not wait for one. */
  readonly holder: Position | null;
}

export interface Waits {
  /** The states in which some thread waits for the lock. */
  states: number;
  /** The most threads that wait for it at one time. */
  most: number;
  longest: Chain | null;
}

export interface Visits {
  /** The states in which no finding has come before. */
  readonly states: number;
  /** By way: NEVER, AFTER_A_FINDING or MET. */
  readonly ways: Uint8Array;
  /** The positions in which a thread stands in one of them. */
  readonly positions: ReadonlySet<number>;
  /** Pairs of ways of two threads that can both be taken in one state, each as one number: see `apart`. */
  readonly pairs: ReadonlySet<number>;
  /** By the path of the lock. */
  readonly waits: ReadonlyMap<string, Waits>;
}

const MOST_WAYS = 2 ** 26;
const together = (a: number, b: number): number => a * MOST_WAYS + b;
export const apart = (pair: number): readonly [number, number] => [Math.floor(pair / MOST_WAYS), pair % MOST_WAYS];

/**
 * @param speaksTo by position: the field to which its step speaks, and -1 where it speaks to none. Of two threads that
 *   stand before steps of one field, it is noted whether both can go on.
 */
export function visit({ program, visited, judge }: Explored, speaksTo: (position: number) => number): Visits {
  const ways = new Uint8Array(program.ways.length);
  const positions = new Set<number>();
  const pairs = new Set<number>();
  const waits = new Map<string, Waits>();
  const state = new Int32Array(program.width);
  let states = 0;
  for (let number = 0; number < visited.size; number++) {
    visited.get(number, state);
    const isTainted = program.isTainted(state) || judge.isWrong(state);
    if (!isTainted) states++;
    for (let thread = 0; thread < program.threads; thread++) {
      const position = state[program.slots + thread] as number;
      meet(program, state, position, isTainted ? AFTER_A_FINDING : MET, ways);
      if (isTainted) continue;
      positions.add(position);
      const field = speaksTo(position);
      if (field < 0) continue;
      for (let other = thread + 1; other < program.threads; other++) {
        const beside = state[program.slots + other] as number;
        if (speaksTo(beside) === field) pair(program, state, position, beside, pairs);
      }
    }
    if (!isTainted) waitIn(program, state, waits);
  }
  return { states, ways, positions, pairs, waits };
}

function meet(program: Program, state: Int32Array, position: number, how: number, ways: Uint8Array): void {
  const first = program.firstWay(position);
  const end = first + program.wayCount(position);
  for (let way = first; way < end; way++)
    if ((ways[way] as number) < how && program.enabled(state, way) && isWhole(program, state, way)) ways[way] = how;
}

/** The way goes through no freed memory and no NULL pointer: what it says reaches the object. */
function isWhole(program: Program, state: Int32Array, way: number): boolean {
  const end = program.wayFirst.all[way + 1] as number;
  for (let i = program.wayFirst.all[way] as number; i < end; i++) {
    if (program.sendRule.all[i] !== FIRST) continue;
    const slot = program.sendSlot.all[i] as number;
    const event = program.sendEvent.all[i] as number;
    const snapshot = state[slot] as number;
    if (program.nextOf(slot, snapshot, event) >= 0 && program.isComplaint(program.answerOf(slot, snapshot, event))) return false;
  }
  return true;
}

function pair(program: Program, state: Int32Array, one: number, other: number, pairs: Set<number>): void {
  const [first, second] = [program.firstWay(one), program.firstWay(other)];
  for (let a = first; a < first + program.wayCount(one); a++)
    for (let b = second; b < second + program.wayCount(other); b++) {
      const key = together(a, b);
      if (!pairs.has(key) && program.enabled(state, a) && program.enabled(state, b)) pairs.add(key);
    }
}

function waitIn(program: Program, state: Int32Array, waits: Map<string, Waits>): void {
  const waiting: Position[] = [];
  for (let thread = 0; thread < program.threads; thread++) {
    const position = program.position(state, thread);
    const { acquires, firstWay } = position;
    if (acquires !== null && !program.enabled(state, firstWay + acquires.way)) waiting.push(position);
  }
  if (waiting.length === 0) return;
  const all = Array.from({ length: program.threads }, (_, thread) => program.position(state, thread));
  for (const lock of new Set(waiting.map((position) => position.acquires?.object ?? ''))) {
    const queue = waiting.filter(({ acquires }) => acquires?.object === lock);
    const known = waits.get(lock) ?? { states: 0, most: 0, longest: null };
    waits.set(lock, known);
    known.states++;
    known.most = Math.max(known.most, queue.length);
    for (const position of queue) {
      const chain = chainFrom(position, waiting, all);
      if (chain.links.length > (known.longest?.links.length ?? 0)) known.longest = chain;
    }
  }
}

/** Of several holders (readers) it follows one that waits itself. */
function chainFrom(first: Position, waiting: readonly Position[], all: readonly Position[]): Chain {
  const links: { position: Position; lock: string }[] = [];
  let position = first;
  for (;;) {
    const lock = position.acquires?.object ?? '';
    links.push({ position, lock });
    const holders = all.filter((each) => each !== position && each.held.some(({ object }) => object === lock));
    const next = holders.find((holder) => waiting.includes(holder)) ?? null;
    if (next === null) return { links, holder: holders[0] ?? null };
    if (links.some((link) => link.position === next)) return { links, holder: null };
    position = next;
  }
}
