/** Every state that the scenario can reach, in order of distance from the start, and what is wrong in it. */
import type { Variant } from '../model/scenario.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import type { Choice } from './choice.ts';
import type { Found, Search } from './found.ts';
import { VisitedSet } from './visited-set.ts';
import { Witness } from './witness.ts';

export interface Limits {
  readonly maxStates: number;
}

export interface Explored extends Found {
  readonly visited: VisitedSet;
  /** The shortest way to a state. */
  pathTo(state: number): readonly Choice[];
}

/** Parent and choice of each state, by id: a tree of shortest ways. */
class Parents {
  private state = new Int32Array(1 << 12);
  private choice = new Int32Array(1 << 12);

  set(id: number, parent: number, thread: number, way: number): void {
    if (id >= this.state.length) {
      this.state = doubled(this.state);
      this.choice = doubled(this.choice);
    }
    this.state[id] = parent;
    this.choice[id] = (way << 8) | thread;
  }

  pathTo(id: number): readonly Choice[] {
    const path: Choice[] = [];
    for (let at = id; at !== 0; at = this.state[at] as number) {
      const choice = this.choice[at] as number;
      path.push({ thread: choice & 255, way: choice >> 8 });
    }
    return path.toReversed();
  }
}

const doubled = (old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> => {
  const longer = new Int32Array(old.length * 2);
  longer.set(old);
  return longer;
};

const STATES_PER_TURN = 2048;

export function* explore(program: Program, variant: Variant, limits: Limits): Search<Explored> {
  const witness = new Witness<number>(program, variant);
  const visited = new VisitedSet(program.width);
  const parents = new Parents();
  const state = program.initial();
  const next = new Int32Array(program.width);
  visited.add(state);
  let steps = 0;
  let depth = 0;
  let endOfLevel = 1;
  let cut: string | null = null;

  let id = 0;
  for (; id < visited.size && cut === null; id++) {
    if (id === endOfLevel) {
      depth++;
      endOfLevel = visited.size;
    }
    visited.get(id, state);
    let terminal = true;
    // A wrong state taints what follows it, so it is judged before its successors are stored; that it is terminal is
    // known only after them.
    const wrong = witness.state(state, id);
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) {
        if (!program.take(state, thread, way, next)) continue;
        terminal = false;
        steps++;
        witness.step(state, wrong, id, { thread, way: way - firstWay });
        if (wrong) program.taint(next);
        const added = visited.add(next);
        if (added < 0) parents.set(~added, id, thread, way - firstWay);
      }
    }
    if (terminal) witness.end(state, wrong, id);

    if (visited.size > limits.maxStates) cut = `${limits.maxStates} states`;
    else if (id % STATES_PER_TURN === STATES_PER_TURN - 1) cut = yield { states: visited.size, traces: null, depth, share: null };
  }

  visited.get(0, state);
  rehearse(program, state);
  const pathTo = (to: number) => parents.pathTo(to);
  return {
    program,
    judge: witness.judge,
    visited,
    sightings: witness.sightings(pathTo),
    sometimes: witness.sometimes,
    states: visited.size,
    traces: null,
    steps,
    depth,
    cut: id < visited.size ? (cut ?? 'stopped') : null,
    pathTo,
  };
}
