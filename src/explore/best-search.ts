/**
 * The best counterexample for one fault: fewest preemptions, then fewest threads, then fewest steps, of equals the
 * one found first in thread order. A search of its own over (state, last thread, threads that have moved), cheapest first.
 */
import type { Program } from '../tables/program.ts';
import type { Judge } from './judge.ts';
import type { Choice } from './choice.ts';
import { NumberedSet } from './numbered-set.ts';

export interface Counterexample {
  readonly choices: readonly Choice[];
  readonly preemptions: number;
  /** Nothing with fewer preemptions leads there: false where the search for it was given up. */
  readonly proven: boolean;
}

/** What the search is for: a fault, of a step or of a state, or a state that is wanted for another reason. */
export interface Goal {
  /** Ways on which another finding comes first do not count. */
  readonly primary: boolean;
  readonly fault: number | null;
  readonly state?: (state: Int32Array) => boolean;
}

const NOBODY = -1;

/** Preemptions, threads and steps as one number that sorts as they do. */
const cost = (preemptions: number, threads: number, steps: number): number => (preemptions * 64 + threads) * 65536 + steps;
const PREEMPTION = cost(1, 0, 0);
const THREAD = cost(0, 1, 0);

/** A node of the search: where it came from, and at what cost. */
class Nodes {
  readonly visited: NumberedSet;
  cost = new Float64Array(1 << 12);
  private parent = new Int32Array(1 << 12);
  private choice = new Int32Array(1 << 12);

  constructor(width: number) {
    this.visited = new NumberedSet(width);
  }

  /** @returns the node if this way to it is the cheapest so far, else -1 */
  reach(vector: Int32Array, cost: number, parent: number, thread: number, way: number): number {
    const added = this.visited.add(vector);
    const id = added < 0 ? ~added : added;
    if (added >= 0 && (this.cost[id] as number) <= cost) return -1;
    while (id >= this.cost.length) this.grow();
    this.cost[id] = cost;
    this.parent[id] = parent;
    this.choice[id] = (way << 8) | thread;
    return id;
  }

  pathTo(id: number): Choice[] {
    const path: Choice[] = [];
    for (let at = id; (this.parent[at] as number) >= 0; at = this.parent[at] as number) {
      const choice = this.choice[at] as number;
      path.push({ thread: choice & 255, way: choice >> 8 });
    }
    return path.toReversed();
  }

  private grow(): void {
    const { length } = this.cost;
    const [cost, parent, choice] = [new Float64Array(length * 2), new Int32Array(length * 2), new Int32Array(length * 2)];
    cost.set(this.cost);
    parent.set(this.parent);
    choice.set(this.choice);
    [this.cost, this.parent, this.choice] = [cost, parent, choice];
  }
}

/** A binary heap of nodes by cost; of equals, first come first served. */
class Queue {
  private readonly items: { readonly cost: number; readonly turn: number; readonly node: number }[] = [];
  private turn = 0;

  get size(): number {
    return this.items.length;
  }

  push(cost: number, node: number): void {
    const { items } = this;
    let at = items.length;
    const item = { cost, turn: this.turn++, node };
    items.push(item);
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (before(items[up] as Item, item)) break;
      items[at] = items[up] as Item;
      at = up;
    }
    items[at] = item;
  }

  pop(): Item {
    const { items } = this;
    const top = items[0] as Item;
    const last = items.pop() as Item;
    if (items.length > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= items.length) break;
        if (child + 1 < items.length && before(items[child + 1] as Item, items[child] as Item)) child++;
        if (before(last, items[child] as Item)) break;
        items[at] = items[child] as Item;
        at = child;
      }
      items[at] = last;
    }
    return top;
  }
}

type Item = { readonly cost: number; readonly turn: number; readonly node: number };
const before = (a: Item, b: Item): boolean => a.cost < b.cost || (a.cost === b.cost && a.turn < b.turn);

const NODES_PER_TURN = 2048;

/**
 * A generator, so that the caller may look up: it yields now and then, and gives up when the caller says why.
 * @returns null where it was given up
 */
export function* findBest(
  program: Program,
  judge: Judge,
  { fault, primary, state: isWanted }: Goal,
  maxNodes: number,
): Generator<null, Omit<Counterexample, 'proven'> | null, string | null> {
  const nodes = new Nodes(program.width + 2);
  const queue = new Queue();
  const at = new Int32Array(program.width + 2);
  const state = at.subarray(0, program.width);
  const then = new Int32Array(program.width + 2);
  const next = then.subarray(0, program.width);

  at.set(program.initial());
  at[program.width] = NOBODY;
  queue.push(0, nodes.reach(at, 0, -1, 0, 0));
  /** The cheapest step that raises the fault, as soon as one is known. */
  let best: { readonly cost: number; readonly node: number; readonly choice: Choice } | null = null;

  let turns = 0;
  while (queue.size > 0) {
    const { cost: spent, node } = queue.pop();
    if (spent > (nodes.cost[node] as number)) continue;
    if (best !== null && best.cost <= spent)
      return { choices: [...nodes.pathTo(best.node), best.choice], preemptions: Math.trunc(best.cost / PREEMPTION) };
    if (nodes.visited.size > maxNodes) return null;
    if (++turns % NODES_PER_TURN === 0 && (yield null) !== null) return null;
    nodes.visited.get(node, at);
    const tainted = program.isTainted(state);
    if (primary && tainted) continue;
    const last = at[program.width] as number;
    const moved = at[program.width + 1] as number;
    const wrong = judge.ofState(state, false);
    const atEnd = program.isTerminal(state) ? judge.ofState(state, true) : wrong;
    // What is found wrong at the end comes after what is wrong in the state itself.
    const met = fault !== null && (wrong.includes(fault) || (atEnd.includes(fault) && (!primary || wrong.length === 0)));
    if (met || isWanted?.(state)) return { choices: nodes.pathTo(node), preemptions: Math.trunc(spent / PREEMPTION) };
    if (primary && wrong.length > 0) continue;
    const lastCouldGoOn = last !== NOBODY && program.anyEnabled(state, last);
    for (let thread = 0; thread < program.threads; thread++) {
      const { firstWay, ways } = program.position(state, thread);
      for (let way = firstWay; way < firstWay + ways; way++) {
        if (!program.take(state, thread, way, next)) continue;
        const bit = 1 << thread;
        const total = spent + 1 + (lastCouldGoOn && thread !== last ? PREEMPTION : 0) + (moved & bit ? 0 : THREAD);
        const choice = { thread, way: way - firstWay };
        if (fault !== null && judge.ofStep(state, thread).includes(fault) && (best === null || total < best.cost))
          best = { cost: total, node, choice };
        if (wrong.length > 0) program.taint(next);
        then[program.width] = thread;
        then[program.width + 1] = moved | bit;
        const reached = nodes.reach(then, total, node, thread, choice.way);
        if (reached >= 0) queue.push(total, reached);
      }
    }
  }
  return best === null
    ? null
    : { choices: [...nodes.pathTo(best.node), best.choice], preemptions: Math.trunc(best.cost / PREEMPTION) };
}

/** How many of the choices switch away from a thread that could have gone on. */
export function countPreemptions(program: Program, choices: readonly Choice[]): number {
  const state = program.initial();
  const next = new Int32Array(program.width);
  let last = NOBODY;
  let count = 0;
  for (const { thread, way } of choices) {
    if (last !== NOBODY && thread !== last && program.anyEnabled(state, last)) count++;
    program.choose(state, { thread, way }, next);
    state.set(next);
    last = thread;
  }
  return count;
}
