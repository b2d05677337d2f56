/**
 * Pairs of integers, each kept once, under a number. They are dealt out to segments by their hash. Pairs never move; the
 * index of a segment is made anew as it grows, one segment at a time.
 */
import type { NumberSource } from './number-list.ts';

const CHUNK_BITS = 11;
const CHUNK = 1 << CHUNK_BITS;
const LEAST = 64;

/** A place of the index holds the number of a pair, plus one, and eight bits of its hash, which spare most comparisons. */
const NUMBER_BITS = 24;
const NUMBER = (1 << NUMBER_BITS) - 1;
/** As many pairs as a number can tell apart, less the one that says that a place is free. */
const MOST_IN_SEGMENT = NUMBER - 1;

/** The bits of the hash that choose the segment: the tag is made of others. */
const SEGMENT_BITS = 5;
const SEGMENTS = 1 << SEGMENT_BITS;

/** How full the index gets, and by how much it grows then: 4 / 0.78 to 4 * 1.35 / 0.78 bytes a pair, beside the 8 of the pair. */
const FULL = 0.78;
const GROWTH = 1.35;

const TWO_32 = 2 ** 32;

/** The finishing steps of MurmurHash3 over both integers. */
export function hashPair(left: number, right: number): number {
  let h = Math.imul(left, 0xcc9e2d51) ^ Math.imul((right << 15) | (right >>> 17), 0x1b873593);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const tagOf = (hash: number): number => (hash << (NUMBER_BITS - SEGMENT_BITS)) & ~NUMBER;

class Segment {
  size = 0;
  private readonly chunks: Int32Array[] = [];
  /** So many pairs have room. The first chunk grows to its size, as most sets are small. */
  private capacity = 0;
  private index = new Int32Array(16);
  private room = 12;

  get bytes(): number {
    return this.index.byteLength + this.capacity * 8;
  }

  /** @returns the number of the pair, or its complement if it is new */
  add(left: number, right: number, hash: number): number {
    const { index } = this;
    const tag = tagOf(hash);
    // The order of the places is the order of the hashes, so that to grow is to walk through both indexes once.
    let place = Math.trunc(((hash >>> 0) / TWO_32) * index.length);
    for (;;) {
      const entry = index[place] as number;
      if (entry === 0) break;
      if (((entry ^ tag) & ~NUMBER) === 0) {
        const number = (entry & NUMBER) - 1;
        const chunk = this.chunks[number >> CHUNK_BITS] as Int32Array;
        const at = (number & (CHUNK - 1)) << 1;
        if (chunk[at] === left && chunk[at + 1] === right) return number;
      }
      if (++place === index.length) place = 0;
    }
    const number = this.size++;
    if (number === this.capacity) this.lengthen();
    const chunk = this.chunks[number >> CHUNK_BITS] as Int32Array;
    const at = (number & (CHUNK - 1)) << 1;
    chunk[at] = left;
    chunk[at + 1] = right;
    index[place] = tag | (number + 1);
    if (this.size > this.room) this.grow();
    return ~number;
  }

  /** @returns the number of the pair, or -1 */
  find(left: number, right: number, hash: number): number {
    const { index } = this;
    const tag = tagOf(hash);
    for (let place = Math.trunc(((hash >>> 0) / TWO_32) * index.length); ; ) {
      const entry = index[place] as number;
      if (entry === 0) return -1;
      if (((entry ^ tag) & ~NUMBER) === 0) {
        const number = (entry & NUMBER) - 1;
        if (this.left(number) === left && this.right(number) === right) return number;
      }
      if (++place === index.length) place = 0;
    }
  }

  left(number: number): number {
    return (this.chunks[number >> CHUNK_BITS] as Int32Array)[(number & (CHUNK - 1)) << 1] as number;
  }

  right(number: number): number {
    return (this.chunks[number >> CHUNK_BITS] as Int32Array)[((number & (CHUNK - 1)) << 1) + 1] as number;
  }

  private lengthen(): void {
    if (this.size > MOST_IN_SEGMENT - CHUNK) throw new RangeError('more states than the visited set has numbers for');
    if (this.capacity >= CHUNK) {
      this.chunks.push(new Int32Array(2 * CHUNK));
      this.capacity += CHUNK;
      return;
    }
    const [first = new Int32Array(0)] = this.chunks;
    this.capacity = Math.max(LEAST, 2 * this.capacity);
    this.chunks[0] = new Int32Array(2 * this.capacity);
    this.chunks[0].set(first);
  }

  *write(): Generator<Int32Array> {
    for (const [i, chunk] of this.chunks.entries()) yield chunk.subarray(0, 2 * Math.min(CHUNK, this.size - i * CHUNK));
  }

  /** @throws RangeError if a pair belongs to another segment */
  read(size: number, own: number, source: NumberSource): void {
    while (this.capacity < Math.min(size, CHUNK)) this.lengthen();
    for (; this.size < size; this.size += Math.min(CHUNK, size - this.size)) {
      if (this.size === this.capacity) this.lengthen();
      source.read((this.chunks.at(-1) as Int32Array).subarray(0, 2 * Math.min(CHUNK, size - this.size)));
    }
    for (let number = 0; number < size; number++)
      if ((hashPair(this.left(number), this.right(number)) & (SEGMENTS - 1)) !== own)
        throw new RangeError('a pair stands in the wrong segment');
    let places = this.index.length;
    while (Math.trunc(places * FULL) < size) places = Math.trunc(places * GROWTH) + 1;
    this.indexAnew(places);
  }

  private grow(): void {
    this.indexAnew(Math.trunc(this.index.length * GROWTH) + 1);
  }

  private indexAnew(places: number): void {
    const index = new Int32Array(places);
    for (let number = 0; number < this.size; number++) {
      const hash = hashPair(this.left(number), this.right(number));
      let place = Math.trunc(((hash >>> 0) / TWO_32) * places);
      while (index[place] !== 0) if (++place === places) place = 0;
      index[place] = tagOf(hash) | (number + 1);
    }
    this.index = index;
    this.room = Math.trunc(places * FULL);
  }
}

export class Pairs {
  size = 0;
  /** All numbers are below. */
  limit = 0;
  private readonly segments = Array.from({ length: SEGMENTS }, () => new Segment());

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** @returns the number of the pair, or its complement if it is new */
  add(left: number, right: number): number {
    const hash = hashPair(left, right);
    const segment = hash & (SEGMENTS - 1);
    const number = (this.segments[segment] as Segment).add(left, right, hash);
    if (number >= 0) return (number << SEGMENT_BITS) | segment;
    const id = (~number << SEGMENT_BITS) | segment;
    this.size++;
    if (id >= this.limit) this.limit = id + 1;
    return ~id;
  }

  /** @returns the number of the pair, or -1 */
  find(left: number, right: number): number {
    const hash = hashPair(left, right);
    const segment = hash & (SEGMENTS - 1);
    const number = (this.segments[segment] as Segment).find(left, right, hash);
    return number < 0 ? -1 : (number << SEGMENT_BITS) | segment;
  }

  /** How many pairs each segment has, then the pairs themselves, in pieces. */
  *write(): Generator<Int32Array> {
    yield Int32Array.from(this.segments, ({ size }) => size);
    for (const segment of this.segments) yield* segment.write();
  }

  static read(source: NumberSource): Pairs {
    const pairs = new Pairs();
    const sizes = new Int32Array(SEGMENTS);
    source.read(sizes);
    for (const [own, segment] of pairs.segments.entries()) {
      const size = sizes[own] as number;
      segment.read(size, own, source);
      pairs.size += size;
      if (size > 0) pairs.limit = Math.max(pairs.limit, (((size - 1) << SEGMENT_BITS) | own) + 1);
    }
    return pairs;
  }

  left(number: number): number {
    return (this.segments[number & (SEGMENTS - 1)] as Segment).left(number >>> SEGMENT_BITS);
  }

  right(number: number): number {
    return (this.segments[number & (SEGMENTS - 1)] as Segment).right(number >>> SEGMENT_BITS);
  }
}
