/** Every state that the scenario can reach, in order of distance from the start, and what is wrong in it. */
import type { Variant } from '../model/scenario.ts';
import { StatePredicate } from '../tables/predicate.ts';
import type { Program } from '../tables/program.ts';
import { rehearse } from '../tables/rehearsal.ts';
import type { Choice } from './choice.ts';
import { Judge } from './judge.ts';
import { VisitedSet } from './visited-set.ts';

export interface Limits {
  readonly maxStates: number;
}

export interface Progress {
  readonly states: number;
  readonly depth: number;
  readonly waiting: number;
}

/** Where a fault was first met. */
export interface Sighting {
  readonly fault: number;
  /** No other finding came before it on that way; else it is a consequence. */
  readonly primary: boolean;
  /** The state before the step that raised it, or the state that is itself wrong. */
  readonly state: number;
  /** The step that raised it; null for a state that is wrong. */
  readonly step: Choice | null;
}

export interface Explored {
  readonly program: Program;
  readonly judge: Judge;
  readonly visited: VisitedSet;
  readonly sightings: readonly Sighting[];
  readonly sometimes: readonly { readonly name: string; readonly reached: boolean }[];
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  /** Null when the search ended by itself. */
  readonly cut: string | null;
  /** The shortest way to a state. */
  pathTo(state: number): readonly Choice[];
}

/** What has been seen of each fault: at best, where nothing came before it. */
class Sightings {
  private readonly byFault = new Map<number, Sighting>();

  add(fault: number, primary: boolean, state: number, step: Choice | null): void {
    const known = this.byFault.get(fault);
    if (known === undefined || (primary && !known.primary)) this.byFault.set(fault, { fault, primary, state, step });
  }

  get all(): readonly Sighting[] {
    return [...this.byFault.values()].toSorted((a, b) => a.fault - b.fault);
  }
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

/**
 * A generator, so that the caller decides when to look up: it yields its progress every so often, and stops where it is
 * when the caller says why.
 */
export function* explore(program: Program, variant: Variant, limits: Limits): Generator<Progress, Explored, string | null> {
  const judge = new Judge(program, variant);
  const visited = new VisitedSet(program.width);
  const sightings = new Sightings();
  const parents = new Parents();
  const sometimes = Object.entries(variant.sometimes).map(([name, test]) => ({
    predicate: new StatePredicate<boolean>(program, name, test),
    reached: false,
  }));

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
    const tainted = program.isTainted(state);
    for (const wanted of sometimes) wanted.reached ||= wanted.predicate.of(state);

    let terminal = true;
    // A wrong state taints what follows it, so it is judged before its successors are stored; that it is terminal is
    // known only after them.
    const wrong = judge.ofState(state, false);
    for (const fault of wrong) sightings.add(fault, !tainted, id, null);
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) {
        if (!program.take(state, thread, way, next)) continue;
        terminal = false;
        steps++;
        for (const fault of judge.ofStep(state, thread))
          sightings.add(fault, !tainted && wrong.length === 0, id, { thread, way: way - firstWay });
        if (wrong.length > 0) program.taint(next);
        const added = visited.add(next);
        if (added < 0) parents.set(~added, id, thread, way - firstWay);
      }
    }
    if (terminal)
      for (const fault of judge.ofState(state, true))
        if (!wrong.includes(fault)) sightings.add(fault, !tainted && wrong.length === 0, id, null);

    if (visited.size > limits.maxStates) cut = `${limits.maxStates} states`;
    else if (id % STATES_PER_TURN === STATES_PER_TURN - 1)
      cut = yield { states: visited.size, depth, waiting: visited.size - id };
  }

  visited.get(0, state);
  rehearse(program, state);
  return {
    program,
    judge,
    visited,
    sightings: sightings.all,
    sometimes: sometimes.map(({ predicate, reached }) => ({ name: predicate.name, reached })),
    states: visited.size,
    steps,
    depth,
    cut: id < visited.size ? (cut ?? 'stopped') : null,
    pathTo: (to) => parents.pathTo(to),
  };
}
