/** Whether a loop that a run went round is one in which something never ends, as a search would say it. */
import type { Choice } from '../explore/choice.ts';
import { Arrivals } from '../explore/arrivals.ts';
import type { Program } from '../tables/program.ts';
import { type Endless, same } from './endless.ts';

/** @returns the threads that a fair loop keeps from ending what they do; empty if it does not come back to where it began */
export function endlessIn(program: Program, before: Int32Array, loop: readonly Choice[]): readonly Endless[] {
  const { states, returns } = played(program, before, loop);
  const last = states.at(-1);
  if (last === undefined || loop.length === 0 || !same(before, last) || !isFair(program, states, loop)) return [];
  return program.world.threads.flatMap(({ kind }, thread): Endless[] => {
    if (kind !== 'task' || returns.has(thread) || program.position(before, thread).status !== 'running') return [];
    return [{ kind: mayMove(program, before, thread) ? 'starvation' : 'hung-task', thread }];
  });
}

/** The states of the loop, and the threads of which a call returns on it. */
function played(program: Program, before: Int32Array, loop: readonly Choice[]) {
  const states = [before];
  const returns = new Set<number>();
  for (const { thread, way } of loop) {
    const state = states.at(-1) as Int32Array;
    const next = state.slice();
    program.choose(state, { thread, way }, next);
    if (program.returned) returns.add(thread);
    states.push(next);
  }
  return { states, returns };
}

/** Weakly for all, strongly for acquires: a thread that does not move cannot always, and who could take a lock takes it. */
const isFair = (program: Program, states: readonly Int32Array[], loop: readonly Choice[]): boolean =>
  program.world.threads.every((_, thread) => {
    const moves = loop.some((choice) => choice.thread === thread);
    if (!moves && states.every((state) => program.anyEnabled(state, thread))) return false;
    return states.every((state) => {
      const position = program.position(state, thread);
      const { acquires, firstWay } = position;
      if (acquires === null || !program.enabled(state, firstWay + acquires.way)) return true;
      return loop.some(
        (choice, i) =>
          choice.thread === thread &&
          choice.way === acquires.way &&
          program.position(states[i] as Int32Array, thread) === position,
      );
    });
  });

const MOST_STATES = 200_000;

/** From here on, in some run, the thread takes a step again. */
function mayMove(program: Program, from: Int32Array, mover: number): boolean {
  const visited = new Arrivals(program.width);
  const state = new Int32Array(program.width);
  const next = new Int32Array(program.width);
  visited.add(from);
  for (let id = 0; id < visited.size && visited.size < MOST_STATES; id++) {
    visited.get(id, state);
    if (program.anyEnabled(state, mover)) return true;
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) if (program.take(state, thread, way, next)) visited.add(next);
    }
  }
  return visited.size >= MOST_STATES;
}
