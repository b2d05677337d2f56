/**
 * In which order the places of a state are best put together: a thread with the objects that only it touches, so that a
 * step changes one part of the tree, and the threads dealt out evenly among the objects that they share, so that no half
 * of a state tells all of it. It only makes the search faster and smaller.
 */
import type { Program } from '../tables/program.ts';

const MOST_STEPS = 2000;

/** Groups of places that belong together. */
export function layoutOf(program: Program): readonly (readonly number[])[] {
  const users = usersOnOneRun(program);
  const slots = Array.from({ length: program.slots }, (_, slot) => slot);
  const threads = Array.from({ length: program.threads }, (_, thread) => thread);
  const shared = slots.filter((slot) => count(users, slot) > 1);
  const idle = slots.filter((slot) => count(users, slot) === 0);
  return [
    ...threads.flatMap((thread) => [
      [program.slots + thread, ...slots.filter((slot) => count(users, slot) === 1 && users[slot]?.has(thread))],
      shared.slice(portion(thread, shared.length, program.threads), portion(thread + 1, shared.length, program.threads)),
    ]),
    [...idle, program.width - 1],
  ].filter((group) => group.length > 0);
}

const portion = (n: number, of: number, portions: number): number => Math.trunc((n * of) / portions);
const count = (users: readonly ReadonlySet<number>[], slot: number): number => users[slot]?.size ?? 0;

/** By slot, the threads that change it where each goes on as far as it can, in turn. */
function usersOnOneRun(program: Program): readonly ReadonlySet<number>[] {
  const users = Array.from({ length: program.slots }, () => new Set<number>());
  const state = program.initial();
  let steps = 0;
  for (let moved = true; moved && steps < MOST_STEPS; ) {
    moved = false;
    for (let thread = 0; thread < program.threads; thread++)
      while (steps < MOST_STEPS && takeAny(program, state, thread)) {
        steps++;
        moved = true;
        for (let i = 0; i < program.changes; i++) users[program.changedPlaces[i] as number]?.add(thread);
      }
  }
  return users;
}

function takeAny(program: Program, state: Int32Array, thread: number): boolean {
  const position = state[program.slots + thread] as number;
  const first = program.firstWay(position);
  const end = first + program.wayCount(position);
  for (let way = first; way < end; way++) if (program.apply(state, thread, way)) return true;
  return false;
}
