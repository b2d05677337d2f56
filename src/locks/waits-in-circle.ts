/**
 * States in which a circle of locks is one of threads: distinct threads stand before the acquires of its edges, none of
 * them can go on, and each waits for what the next one holds.
 *
 * Where the threads stand says who holds what, so no other thread can end such a wait: it lasts to the end of every run.
 * That is why a reduced search meets it if any search does. It takes each step that some run takes, and when it has taken
 * those that led the threads there, they stand there. Whom a signal may let out waits only for a while: a reduced search may
 * leave that state out, and it is asked for by itself.
 */
import type { Program } from '../tables/program.ts';
import type { IrqConflict } from './irq-usage.ts';
import type { Attempt } from './lock-edges.ts';
import type { Cycle, Link } from './lock-cycles.ts';

/** @returns the threads that wait for each other in the state, in the order of the links; null if they do not */
export type WaitTest = (state: Int32Array) => readonly number[] | null;

export const attemptsOf = ({ edges }: Link): readonly Attempt[] => edges.flatMap(({ attempts }) => attempts);

/** Some attempt can end otherwise than with the lock. */
export const mayBeLetOut = (links: readonly Link[]): boolean =>
  links.some((link) => attemptsOf(link).some(({ position }) => position.ways > 1));

/**
 * @param within links from one class of the circle to itself: a thread that holds one lock of a class and waits for another
 * may stand between two that do not meet at the same
 */
export function waitsInCircle(program: Program, cycle: Cycle, within: readonly Link[], forAWhile = false): WaitTest {
  const links = cycle.map((link) => byPosition(attemptsOf(link)));
  const others = within.map((link) => byPosition(attemptsOf(link)));
  return (state) => {
    const waiting = links.map((link) => waitingAt(program, state, link, forAWhile));
    if (waiting.some(({ length }) => length === 0)) return null;
    const between = others.flatMap((link) => waitingAt(program, state, link, forAWhile));
    return ring(
      [...waiting, between].flatMap((those, link) => those.map((each) => ({ ...each, link }))),
      cycle.length,
    );
  };
}

/**
 * Two threads, or more, that hold locks of one class and wait for each other's.
 *
 * @param others links between such locks of which a subclass tells one
 */
export function waitsInOwnClass(program: Program, link: Link, others: readonly Link[], forAWhile = false): WaitTest {
  const links = [link, ...others].map((each) => byPosition(attemptsOf(each)));
  return (state) =>
    ring(
      links.flatMap((attempts, i) => waitingAt(program, state, attempts, forAWhile).map((each) => ({ ...each, link: i }))),
      1,
    );
}

/** A handler waits for a lock of a thread that it keeps from running. */
export function waitsInHandler(program: Program, { inHandler }: IrqConflict): WaitTest {
  const attempts = byPosition(inHandler.attempts);
  const { threads } = program.world;
  return (state) => {
    for (const { thread, attempt } of waitingAt(program, state, attempts)) {
      const cpu = threads[thread]?.cpu?.path;
      const kept = threads.findIndex(
        (other, index) =>
          other.cpu !== null &&
          other.cpu.path === cpu &&
          index !== thread &&
          program.position(state, index).held.some(({ object }) => object === attempt.takes),
      );
      if (kept >= 0) return [thread, kept];
    }
    return null;
  };
}

const byPosition = (attempts: readonly Attempt[]): ReadonlyMap<number, readonly Attempt[]> => {
  const found = new Map<number, Attempt[]>();
  for (const attempt of attempts) found.set(attempt.id, [...(found.get(attempt.id) ?? []), attempt]);
  return found;
};

interface Waiting {
  readonly thread: number;
  readonly attempt: Attempt;
}

/** The threads that stand before one of these acquires and cannot go on, because the lock is not to be had. */
function waitingAt(
  program: Program,
  state: Int32Array,
  attempts: ReadonlyMap<number, readonly Attempt[]>,
  forAWhile = false,
): readonly Waiting[] {
  const found: Waiting[] = [];
  for (let thread = 0; thread < program.threads; thread++)
    for (const attempt of attempts.get(state[program.slots + thread] as number) ?? [])
      if ((forAWhile || !program.anyEnabled(state, thread)) && isTaken(program, state, attempt)) found.push({ thread, attempt });
  return found;
}

/** The lock itself refuses: it is not that the thread's CPU is not its own. */
function isTaken(program: Program, state: Int32Array, { position: { firstWay, ways }, takes, event }: Attempt): boolean {
  return program.ways.slice(firstWay, firstWay + ways).some(({ slots, events }) =>
    slots.some((slot, i) => {
      if (program.world.slots[slot]?.path !== takes) return false;
      if (program.tables[slot]?.events[events[i] as number]?.type !== event) return false;
      return program.nextOf(slot, state[slot] as number, events[i] as number) < 0;
    }),
  );
}

/** Different threads of which each waits for what the next one holds, and among them one of each of the first links. */
function ring(waiting: readonly (Waiting & { readonly link: number })[], links: number): readonly number[] | null {
  const follow = (path: readonly (Waiting & { readonly link: number })[]): readonly number[] | null => {
    const [first, last] = [path[0], path.at(-1)];
    if (first === undefined || last === undefined) return null;
    const isWhole = new Set(path.map(({ link }) => link).filter((link) => link < links)).size === links;
    if (isWhole && last.attempt.takes === first.attempt.holds) return path.map(({ thread }) => thread);
    for (const next of waiting) {
      if (last.attempt.takes !== next.attempt.holds || path.some(({ thread }) => thread === next.thread)) continue;
      const found = follow([...path, next]);
      if (found !== null) return found;
    }
    return null;
  };
  for (const first of waiting.filter(({ link }) => link === 0)) {
    const found = follow([first]);
    if (found !== null) return found;
  }
  return null;
}
