/** An exact set of vectors, numbered in the order in which they came: for searches that come back to what they know. */
import { NumberList } from './number-list.ts';
import { type Groups, VisitedSet } from './visited-set.ts';

export class NumberedSet {
  private readonly set: VisitedSet;
  /** By number, the id in the set, and the other way round. */
  private readonly ids = new NumberList();
  private numbers = new Int32Array(1 << 10);

  constructor(width: number, groups?: Groups) {
    this.set = new VisitedSet(width, groups);
  }

  get size(): number {
    return this.ids.length;
  }

  get bytes(): number {
    return this.set.bytes + this.ids.bytes + this.numbers.byteLength;
  }

  /** @returns the number of the vector, or its complement (`~number`) if it was not there before */
  add(vector: Int32Array): number {
    return this.number(this.set.add(vector));
  }

  /** As `add`, for the vector that was got last, after the given places of it have changed. */
  addBeside(vector: Int32Array, places: Int32Array, count: number): number {
    return this.number(this.set.addBeside(vector, places, count));
  }

  private number(id: number): number {
    if (id >= 0) return this.numbers[id] as number;
    this.ids.push(~id);
    while (~id >= this.numbers.length) this.lengthen();
    this.numbers[~id] = this.size - 1;
    return ~(this.size - 1);
  }

  /** @returns the number of the vector, or -1 */
  numberOf(vector: Int32Array): number {
    const id = this.set.idOf(vector);
    return id < 0 ? -1 : (this.numbers[id] as number);
  }

  get(number: number, into: Int32Array): void {
    this.set.get(this.ids.at(number), into);
  }

  private lengthen(): void {
    const longer = new Int32Array(this.numbers.length * 2);
    longer.set(this.numbers);
    this.numbers = longer;
  }
}
