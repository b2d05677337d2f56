/** The states of a search, numbered in the order in which they were met. */
import { InnerPairs } from './inner-pairs.ts';
import { NumberList, type NumberSource } from './number-list.ts';
import { Pairs } from './pairs.ts';
import { type Groups, VisitedSet } from './visited-set.ts';

/** What can be asked of them once the search is over. */
export type Numbered = Pick<Arrivals, 'size' | 'bytes' | 'get' | 'numberOf'>;

export class Arrivals {
  private readonly inner: InnerPairs;
  private readonly roots: Pairs;
  private readonly visited: VisitedSet;
  /** By number, the id in the visited set. */
  private readonly ids: NumberList;
  /** The other way round; made when it is first asked for, as few searches look back. */
  private numbers = new Int32Array(0);

  /** @param source what another of the same groups has written */
  constructor(width: number, groups?: Groups, source: NumberSource | null = null) {
    this.inner = source === null ? new InnerPairs() : InnerPairs.read(source);
    this.roots = source === null ? new Pairs() : Pairs.read(source);
    this.visited = new VisitedSet(width, groups, { inner: this.inner, roots: this.roots });
    this.ids = source === null ? new NumberList() : NumberList.read(source);
  }

  get size(): number {
    return this.ids.length;
  }

  /** Of the visited set, with its slack. */
  get bytes(): number {
    return this.visited.bytes;
  }

  /** @returns whether the state is new: its number is then the last */
  add(vector: Int32Array): boolean {
    return this.number(this.visited.add(vector));
  }

  /** As `add`, for the state that was got last, after the given places of it have changed. */
  addBeside(vector: Int32Array, places: Int32Array, count: number): boolean {
    return this.number(this.visited.addBeside(vector, places, count));
  }

  get(number: number, into: Int32Array): void {
    this.visited.get(this.ids.at(number), into);
  }

  /** @returns its number, or -1 */
  numberOf(vector: Int32Array): number {
    const id = this.visited.idOf(vector);
    if (id < 0) return -1;
    if (this.numbers.length < this.visited.idLimit) {
      this.numbers = new Int32Array(this.visited.idLimit);
      for (let number = 0; number < this.size; number++) this.numbers[this.ids.at(number)] = number;
    }
    return this.numbers[id] as number;
  }

  *write(): Generator<Int32Array> {
    yield* this.inner.write();
    yield* this.roots.write();
    yield* this.ids.write();
  }

  private number(id: number): boolean {
    if (id < 0) this.ids.push(~id);
    return id < 0;
  }
}
