/** Pairs of integers, each kept once, under a number: few enough to be spent some room on, and asked for all the time. */
import type { NumberSource } from './number-list.ts';
import { hashPair } from './pairs.ts';

const FULL = 0.5;

export class InnerPairs {
  private size = 0;
  /** By number, the two of a pair. */
  private pairs = new Int32Array(64);
  /** A number plus one, or nothing. The length is a power of two. */
  private index = new Int32Array(64);

  get bytes(): number {
    return this.pairs.byteLength + this.index.byteLength;
  }

  /** @returns the number of the pair, which is new if it was not there */
  add(left: number, right: number): number {
    const { pairs, index } = this;
    const mask = index.length - 1;
    let place = hashPair(left, right) & mask;
    for (;;) {
      const number = (index[place] as number) - 1;
      if (number < 0) return this.append(left, right, place);
      if (pairs[2 * number] === left && pairs[2 * number + 1] === right) return number;
      place = (place + 1) & mask;
    }
  }

  /** @returns the number of the pair, or -1 */
  find(left: number, right: number): number {
    const { pairs, index } = this;
    const mask = index.length - 1;
    for (let place = hashPair(left, right) & mask; ; place = (place + 1) & mask) {
      const number = (index[place] as number) - 1;
      if (number < 0 || (pairs[2 * number] === left && pairs[2 * number + 1] === right)) return number;
    }
  }

  left(number: number): number {
    return this.pairs[2 * number] as number;
  }

  right(number: number): number {
    return this.pairs[2 * number + 1] as number;
  }

  /** What is written down of them: `read` gives them the same numbers. */
  *write(): Generator<Int32Array> {
    yield Int32Array.of(this.size);
    yield this.pairs.subarray(0, 2 * this.size);
  }

  static read(source: NumberSource): InnerPairs {
    const read = new InnerPairs();
    const size = new Int32Array(1);
    source.read(size);
    read.size = size[0] as number;
    while (2 * read.size > read.pairs.length) read.pairs = new Int32Array(read.pairs.length * 2);
    source.read(read.pairs.subarray(0, 2 * read.size));
    let { length } = read.index;
    while (read.size > length * FULL) length *= 2;
    read.reindex(length);
    return read;
  }

  private append(left: number, right: number, place: number): number {
    const number = this.size++;
    if (2 * this.size > this.pairs.length) {
      const longer = new Int32Array(this.pairs.length * 2);
      longer.set(this.pairs);
      this.pairs = longer;
    }
    this.pairs[2 * number] = left;
    this.pairs[2 * number + 1] = right;
    this.index[place] = number + 1;
    if (this.size > this.index.length * FULL) this.grow();
    return number;
  }

  private grow(): void {
    this.reindex(this.index.length * 2);
  }

  private reindex(length: number): void {
    const index = new Int32Array(length);
    const mask = index.length - 1;
    for (let number = 0; number < this.size; number++) {
      let place = hashPair(this.left(number), this.right(number)) & mask;
      while (index[place] !== 0) place = (place + 1) & mask;
      index[place] = number + 1;
    }
    this.index = index;
  }
}
