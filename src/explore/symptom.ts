/** After a fault at which a kernel says nothing: the nearest step at which it would speak. */
import type { Program } from '../tables/program.ts';
import type { Judge } from './judge.ts';
import { Arrivals } from './arrivals.ts';

export interface Symptom {
  readonly stepsLater: number;
  readonly thread: string;
  readonly function: string;
  readonly prints: string;
}

const MOST_STATES = 200_000;

export function findSymptom(program: Program, judge: Judge, from: Int32Array): Symptom | null {
  const visited = new Arrivals(program.width);
  const state = new Int32Array(program.width);
  const next = new Int32Array(program.width);
  visited.add(from);
  let depth = 0;
  let endOfLevel = 1;
  for (let id = 0; id < visited.size && visited.size < MOST_STATES; id++) {
    if (id === endOfLevel) {
      depth++;
      endOfLevel = visited.size;
    }
    visited.get(id, state);
    let terminal = true;
    for (let thread = 0; thread < program.threads; thread++) {
      const position = program.position(state, thread);
      for (let way = position.firstWay; way < position.firstWay + position.ways; way++) {
        if (!program.take(state, thread, way, next)) continue;
        terminal = false;
        const speaks = program.raised.find(({ splat }) => splat.prints !== null)?.splat;
        if (speaks?.prints) {
          const site = judge.siteOf(position);
          return { stepsLater: depth + 1, thread: site.thread, function: site.function, prints: speaks.prints };
        }
        visited.add(next);
      }
    }
    if (!terminal) continue;
    const stuck = judge
      .ofState(state, true)
      .map((fault) => judge.faults[fault])
      .find((fault) => fault?.kind === 'deadlock');
    const [site] = stuck?.sites ?? [];
    if (stuck?.prints && site !== undefined)
      return { stepsLater: depth, thread: site.thread, function: site.function, prints: stuck.prints };
  }
  return null;
}
