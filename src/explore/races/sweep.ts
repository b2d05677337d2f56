/** The data races in the states that a search has stored: after it, so that it is no slower where nobody asks. */
import type { Progress, Sighting } from '../found.ts';
import type { Explored } from '../plain-search.ts';
import { CoEnabled, inOrder } from './co-enabled.ts';

const STATES_PER_TURN = 16_384;

/** @returns what was seen of each race: at best in a state before which nothing was wrong */
export function* racesIn(explored: Explored): Generator<Progress, readonly Sighting[], string | null> {
  const { program, judge, visited, depth } = explored;
  const races = new CoEnabled(program, judge);
  const seen = new Map<number, Sighting>();
  const state = program.initial();
  for (let at = 0; at < visited.size; at++) {
    if (at % STATES_PER_TURN === STATES_PER_TURN - 1) yield { states: visited.size, traces: null, depth, share: null };
    visited.get(at, state);
    for (const meeting of races.of(state)) {
      const known = seen.get(meeting.fault);
      if (known?.primary === true) continue;
      const primary = !program.isTainted(state) && !judge.isWrong(state);
      const pair = known !== undefined && !primary ? null : inOrder(program, state, meeting);
      if (pair !== null)
        seen.set(meeting.fault, { fault: meeting.fault, primary, byStep: true, way: () => [...explored.pathTo(at), ...pair] });
    }
  }
  return [...seen.values()];
}
