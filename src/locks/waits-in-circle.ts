/**
 * States in which a circle of locks is one of threads: distinct threads stand before the acquires of its edges, none of
 * them can go on, and each waits for what the next one holds.
 *
 * Where the threads stand says who holds what, so no other thread can end such a wait: it lasts to the end of every run.
 * That is why a reduced search meets it if any search does. It takes each step that some run takes, and when it has taken
 * those that led the threads there, they stand there.
 */
import type { Program } from '../tables/program.ts';
import type { IrqConflict } from './irq-usage.ts';
import type { Attempt } from './lock-edges.ts';
import type { Cycle, Link } from './lock-cycles.ts';

/** @returns the threads that wait for each other in the state, in the order of the links; null if they do not */
export type WaitTest = (state: Int32Array) => readonly number[] | null;

export const attemptsOf = ({ edges }: Link): readonly Attempt[] => edges.flatMap(({ attempts }) => attempts);

export function waitsInCircle(program: Program, cycle: Cycle): WaitTest {
  const links = cycle.map((link) => byPosition(attemptsOf(link)));
  return (state) => {
    const waiting = links.map((link) => waitingAt(program, state, link));
    return waiting.every(({ length }) => length > 0) ? circle(waiting, []) : null;
  };
}

/** Two threads, or more, that hold locks of one class and wait for each other's. */
export function waitsInOwnClass(program: Program, link: Link): WaitTest {
  const attempts = byPosition(attemptsOf(link));
  return (state) => {
    const waiting = waitingAt(program, state, attempts);
    for (let length = 1; length <= program.threads; length++) {
      const found = circle(
        Array.from({ length }, () => waiting),
        [],
      );
      if (found !== null) return found;
    }
    return null;
  };
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
function waitingAt(program: Program, state: Int32Array, attempts: ReadonlyMap<number, readonly Attempt[]>): readonly Waiting[] {
  const found: Waiting[] = [];
  for (let thread = 0; thread < program.threads; thread++)
    for (const attempt of attempts.get(state[program.slots + thread] as number) ?? [])
      if (!program.anyEnabled(state, thread) && isTaken(program, state, attempt)) found.push({ thread, attempt });
  return found;
}

/** The lock itself refuses: it is not that the thread's CPU is not its own. */
function isTaken(program: Program, state: Int32Array, { position: { firstWay, ways }, takes }: Attempt): boolean {
  return program.ways.slice(firstWay, firstWay + ways).some(({ slots, events }) =>
    slots.some((slot, i) => {
      if (program.world.slots[slot]?.path !== takes) return false;
      return program.nextOf(slot, state[slot] as number, events[i] as number) < 0;
    }),
  );
}

/** One of each, all of different threads, so that each takes what the next one holds. */
function circle(waiting: readonly (readonly Waiting[])[], chosen: readonly Waiting[]): readonly number[] | null {
  const [first, last] = [chosen[0], chosen.at(-1)];
  if (chosen.length === waiting.length)
    return first !== undefined && last?.attempt.takes === first.attempt.holds ? chosen.map(({ thread }) => thread) : null;
  for (const next of waiting[chosen.length] as readonly Waiting[]) {
    if (chosen.some(({ thread }) => thread === next.thread)) continue;
    if (last !== undefined && last.attempt.takes !== next.attempt.holds) continue;
    const found = circle(waiting, [...chosen, next]);
    if (found !== null) return found;
  }
  return null;
}
