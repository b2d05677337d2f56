/** The states of a search with all the steps between them, for questions about what can go on for ever. */
import type { Program } from '../tables/program.ts';
import type { Choice } from './choice.ts';
import type { Explored } from './plain-search.ts';

export type Part = 'before any finding' | 'after a finding';

/** In a choice: the step ended the call of its thread. */
const RETURNED = 256;

export class StateGraph {
  readonly program: Program;
  /** How many states, with those of the other part, which have no steps. */
  readonly size: number;
  private readonly explored: Explored;
  private readonly state: Int32Array;
  /** Steps of state `i` lie between `first[i]` and `first[i + 1]`. */
  private readonly first: Int32Array;
  private readonly target: Int32Array;
  private readonly choice: Int32Array;
  private readonly enabledThreads: Int32Array;
  /** The threads that stand before an acquire which they could make. */
  private readonly acquiringThreads: Int32Array;
  /** Whether a step leads out of this part. */
  private readonly leaves: Uint8Array;

  /** @param part the states to which no finding leads, or those after one: what goes on there for ever is a consequence */
  constructor(explored: Explored, part: Part) {
    const { program, judge, visited } = explored;
    const after = part === 'after a finding';
    this.program = program;
    this.explored = explored;
    this.size = visited.size;
    this.state = new Int32Array(program.width);
    this.first = new Int32Array(this.size + 1);
    this.target = new Int32Array(explored.steps);
    this.choice = new Int32Array(explored.steps);
    this.enabledThreads = new Int32Array(this.size);
    this.acquiringThreads = new Int32Array(this.size);
    this.leaves = new Uint8Array(this.size);
    const next = new Int32Array(program.width);
    let count = 0;
    for (let id = 0; id < this.size; id++) {
      this.first[id] = count;
      visited.get(id, this.state);
      if (program.isTainted(this.state) !== after || (!after && judge.ofState(this.state, false).length > 0)) {
        this.leaves[id] = 1;
        continue;
      }
      for (let thread = 0; thread < program.threads; thread++) {
        const { firstWay, ways, acquires } = program.position(this.state, thread);
        for (let way = firstWay; way < firstWay + ways; way++) {
          if (!program.take(this.state, thread, way, next)) continue;
          const bit = 1 << thread;
          this.enabledThreads[id] = (this.enabledThreads[id] as number) | bit;
          if (acquires !== null && way === firstWay + acquires.way)
            this.acquiringThreads[id] = (this.acquiringThreads[id] as number) | bit;
          if (program.isTainted(next) !== after) {
            this.leaves[id] = 1;
            continue;
          }
          this.target[count] = visited.numberOf(next);
          this.choice[count++] = ((way - firstWay) << 9) | (program.returned ? RETURNED : 0) | thread;
        }
      }
    }
    this.first[this.size] = count;
  }

  degree(id: number): number {
    return (this.first[id + 1] as number) - (this.first[id] as number);
  }

  /** Where the nth step from the state leads. */
  step(id: number, n: number): { readonly to: number; readonly choice: Choice; readonly returned: boolean } {
    const at = (this.first[id] as number) + n;
    const choice = this.choice[at] as number;
    return {
      to: this.target[at] as number,
      choice: { thread: choice & 255, way: choice >> 9 },
      returned: (choice & RETURNED) !== 0,
    };
  }

  to(id: number, n: number): number {
    return this.target[(this.first[id] as number) + n] as number;
  }

  isEnabled(id: number, thread: number): boolean {
    return ((this.enabledThreads[id] as number) & (1 << thread)) !== 0;
  }

  couldAcquire(id: number, thread: number): boolean {
    return ((this.acquiringThreads[id] as number) & (1 << thread)) !== 0;
  }

  /** Whether a finding may come next: what the threads do then this graph does not tell. */
  leavesAt(id: number): boolean {
    return this.leaves[id] === 1;
  }

  position(id: number, thread: number) {
    this.explored.visited.get(id, this.state);
    return this.program.position(this.state, thread);
  }

  /**
   * The strongly connected components of the part of the graph that `follows` leaves, after all to which they lead.
   * Tarjan's algorithm, without recursion.
   */
  components(states: Iterable<number>, follows: (from: number, n: number) => boolean): readonly (readonly number[])[] {
    const order = new Map<number, { index: number; low: number; onStack: boolean }>();
    const stack: number[] = [];
    const found: number[][] = [];
    const open = (id: number) => {
      const entry = { index: order.size, low: order.size, onStack: true };
      order.set(id, entry);
      stack.push(id);
      return { id, entry, n: 0 };
    };
    for (const root of states) {
      if (order.has(root)) continue;
      const path = [open(root)];
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        if (top.n < this.degree(top.id)) {
          const n = top.n++;
          if (!follows(top.id, n)) continue;
          const to = this.to(top.id, n);
          const seen = order.get(to);
          if (seen === undefined) path.push(open(to));
          else if (seen.onStack) top.entry.low = Math.min(top.entry.low, seen.index);
          continue;
        }
        path.pop();
        const above = path.at(-1);
        if (above !== undefined) above.entry.low = Math.min(above.entry.low, top.entry.low);
        if (top.entry.low !== top.entry.index) continue;
        const from = stack.lastIndexOf(top.id);
        const component = stack.splice(from);
        for (const id of component) (order.get(id) as { onStack: boolean }).onStack = false;
        found.push(component);
      }
    }
    return found;
  }
}
