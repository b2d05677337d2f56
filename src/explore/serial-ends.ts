/** Where the runs of a search end: all that the comparison with serial orders asks of the search. */
import type { Choice } from './choice.ts';
import type { Explored } from './plain-search.ts';

export interface RunEnd {
  /** Not to be kept: the next one is written over it. */
  readonly state: Int32Array;
  way(): readonly Choice[];
}

/** Each state in which no thread can move, with a way to it; null now and then, for who wants to look up meanwhile. */
export type RunEnds = Iterable<RunEnd | null>;

const STATES_PER_TURN = 1 << 16;

/** Those of a search that has stored every state. */
export function* endsOf({
  program,
  visited,
  pathTo,
}: Pick<Explored, 'program' | 'visited' | 'pathTo'>): Generator<RunEnd | null> {
  const state = new Int32Array(program.width);
  for (let id = 0; id < visited.size; id++) {
    if (id % STATES_PER_TURN === STATES_PER_TURN - 1) yield null;
    visited.get(id, state);
    if (program.isTerminal(state)) yield { state, way: () => pathTo(id) };
  }
}
