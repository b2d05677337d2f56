/** The states of a search that several threads share, as the owner sees them: numbered in the order of a search by one. */
import type { Numbered } from '../arrivals.ts';
import { NumberList } from '../number-list.ts';
import { type Groups, VisitedSet } from '../visited-set.ts';
import { INNER_LIMIT, INNER_NEXT, PAUSE, ROOTS_LIMIT, ROOTS_NEXT } from './control.ts';
import {
  capacityOf,
  type Counters,
  greater,
  memoryFor,
  PAIR,
  type PairMemory,
  ROOT,
  SharedInner,
  SharedRoots,
} from './shared-pairs.ts';

export interface Memory {
  readonly inner: PairMemory;
  readonly roots: PairMemory;
}

const innerCounters = (control: Int32Array): Counters => ({ control, next: INNER_NEXT, limit: INNER_LIMIT, pause: PAUSE });
const rootsCounters = (control: Int32Array): Counters => ({ control, next: ROOTS_NEXT, limit: ROOTS_LIMIT, pause: PAUSE });

/** A visited set on shared memory. */
export class SharedSet {
  readonly inner: SharedInner;
  readonly roots: SharedRoots;
  readonly visited: VisitedSet;

  constructor(memory: Memory, control: Int32Array, width: number, groups: Groups) {
    this.inner = new SharedInner(memory.inner, innerCounters(control));
    this.roots = new SharedRoots(memory.roots, rootsCounters(control));
    this.visited = new VisitedSet(width, groups, this);
  }

  /** Goes over to other memory, of which somebody else fills the index. */
  use({ inner, roots }: Memory): void {
    this.inner.use(inner);
    this.roots.use(roots);
  }

  /** Goes over to other memory, and brings over one of so many parts of the index. Every part has to be brought over. */
  move(memory: Memory, part: number, parts: number): void {
    for (const [pairs, next] of [
      [this.inner, memory.inner],
      [this.roots, memory.roots],
    ] as const) {
      const { index, mask } = pairs.oldIndex;
      if (pairs.isIn(next)) continue;
      pairs.use(next);
      const portion = (n: number): number => Math.trunc((n * index.length) / parts);
      pairs.move(index, mask, portion(part), portion(part + 1));
    }
  }
}

export class SharedStates implements Numbered {
  readonly control: Int32Array;
  readonly set: SharedSet;
  memory: Memory;
  /** How much room there must be for what is added before all threads have seen that there is little left. */
  private readonly slack: number;
  /** By number, the root. */
  private readonly ids = new NumberList();

  constructor(control: Int32Array, width: number, groups: Groups, slack: number) {
    this.control = control;
    this.slack = slack;
    this.memory = { inner: memoryFor(2 * slack, PAIR), roots: memoryFor(2 * slack, ROOT) };
    control[INNER_NEXT] = 0;
    control[ROOTS_NEXT] = 0;
    this.setLimits(Infinity);
    this.set = new SharedSet(this.memory, control, width, groups);
  }

  get size(): number {
    return this.ids.length;
  }

  get bytes(): number {
    return this.set.visited.bytes;
  }

  get(number: number, into: Int32Array): void {
    this.set.visited.get(this.ids.at(number), into);
  }

  numberOf(vector: Int32Array): number {
    const root = this.set.visited.idOf(vector);
    return root < 0 ? -1 : this.set.roots.numberOf(root);
  }

  rootOf(number: number): number {
    return this.ids.at(number);
  }

  /** Gives the root the next number. */
  number(root: number): void {
    this.set.roots.number(root, this.ids.length);
    this.ids.push(root);
  }

  /** @param mostRoots when so many have been met there is to be a pause */
  setLimits(mostRoots: number): void {
    const { control, memory, slack } = this;
    control[INNER_LIMIT] = capacityOf(memory.inner) - slack;
    control[ROOTS_LIMIT] = Math.min(capacityOf(memory.roots) - slack, mostRoots);
  }

  /** @returns greater memory where there is little room left; whoever adds to it has to `move` there first */
  grown(): Memory | null {
    const { inner, roots } = this.memory;
    const grow = (memory: PairMemory, next: number, record: number): PairMemory =>
      (this.control[next] as number) <= capacityOf(memory) - this.slack
        ? memory
        : memoryFor(greater(capacityOf(memory)) + this.slack, record, memory.chunks);
    const next = { inner: grow(inner, INNER_NEXT, PAIR), roots: grow(roots, ROOTS_NEXT, ROOT) };
    if (next.inner === inner && next.roots === roots) return null;
    this.memory = next;
    return next;
  }
}
