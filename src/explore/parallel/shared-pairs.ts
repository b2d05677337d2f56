/**
 * Pairs of integers, each kept once, under a number, in memory that several threads share. Nobody waits for anybody: who
 * meets a free place of the index writes the pair under a number of its own first, and then puts the number there, if
 * nobody else was faster.
 *
 * Why it may read without locks: a number is written once, and never for another pair; both numbers of a pair are kept
 * one greater, so that what is not there yet reads as zero and equals nothing that is looked for. So a pair that is
 * found is right. One that seems not to be the same is looked at again after an atomic read of its place, which orders
 * what was written before it; and a place that seems free is taken by an atomic exchange, which fails if it was not.
 */
import { InternalError } from '../../model/errors.ts';
import { hashPair } from '../pairs.ts';

const CHUNK_BITS = 14;
const CHUNK = 1 << CHUNK_BITS;
/** How many numbers a thread takes at a time. */
export const BLOCK = 256;

/** A number plus one, and the number of a state, must be a positive integer. */
const MOST = 2 ** 30;

/** How full the index may get. */
const FULL = 0.75;
const GROWTH = 2;
const TWO_32 = 2 ** 32;

/** In a record: the pair, and for a root the number of the state or who has first met it. */
export const PAIR = 2;
export const ROOT = 3;
const KEY = 2;

export interface PairMemory {
  /** A number plus one, with as much of the hash above it as there is room for. */
  readonly index: Int32Array;
  readonly chunks: readonly Int32Array[];
}

const shared = (length: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * length));

/** Room for that many numbers at least; what is known already keeps its number, but has to be put into the index anew. */
export function memoryFor(numbers: number, record: number, before: readonly Int32Array[] = []): PairMemory {
  if (numbers > MOST) throw new RangeError('more states than the visited set has numbers for');
  const more = Math.max(0, Math.ceil(numbers / CHUNK) - before.length);
  const chunks = [...before, ...Array.from({ length: more }, () => shared(CHUNK * record))];
  return { index: shared(Math.ceil((chunks.length * CHUNK) / FULL)), chunks };
}

export const capacityOf = ({ chunks }: PairMemory): number => chunks.length * CHUNK;
export const greater = (capacity: number): number => Math.trunc(capacity * GROWTH) + CHUNK;

/** Where the next block of numbers begins, and beyond which one it is time for more memory: places in shared memory. */
export interface Counters {
  readonly control: Int32Array;
  readonly next: number;
  readonly limit: number;
  /** Set when the limit is passed. */
  readonly pause: number;
}

class SharedPairs {
  /** How many this thread has added. */
  size = 0;
  protected chunks: readonly Int32Array[] = [];
  protected readonly record: number;
  private index = new Int32Array(0);
  private numberBits = 0;
  private numberMask = 0;
  private readonly counters: Counters;
  /** The block of numbers from which the next is taken. */
  private free = 0;
  private end = 0;

  constructor(memory: PairMemory, record: number, counters: Counters) {
    this.record = record;
    this.counters = counters;
    this.use(memory);
  }

  /** All numbers are below. */
  get limit(): number {
    return Atomics.load(this.counters.control, this.counters.next);
  }

  get bytes(): number {
    return this.index.byteLength + this.chunks.length * CHUNK * this.record * 4;
  }

  /** Memory only ever grows. */
  isIn({ chunks }: PairMemory): boolean {
    return chunks.length === this.chunks.length;
  }

  /** Goes over to greater memory, of which the index is to be filled by `move`. */
  use({ index, chunks }: PairMemory): void {
    this.index = index as Int32Array<ArrayBuffer>;
    this.chunks = chunks;
    this.numberBits = 32 - Math.clz32(chunks.length * CHUNK + 1);
    this.numberMask = (1 << this.numberBits) - 1;
  }

  /** Puts into the index what stands between two places of the old one. Nothing may be added meanwhile. */
  move(old: Int32Array, oldMask: number, from: number, to: number): void {
    const { index } = this;
    for (let at = from; at < to; at++) {
      const entry = old[at] as number;
      if (entry === 0) continue;
      const number = (entry & oldMask) - 1;
      const hash = hashPair(this.left(number), this.right(number));
      const moved = this.tagOf(hash) | (number + 1);
      let place = Math.trunc(((hash >>> 0) / TWO_32) * index.length);
      while (index[place] !== 0 || Atomics.compareExchange(index, place, 0, moved) !== 0) if (++place === index.length) place = 0;
    }
  }

  get oldIndex(): { readonly index: Int32Array; readonly mask: number } {
    return { index: this.index, mask: this.numberMask };
  }

  /** @returns the number of the pair, or its complement if it is new */
  protected put(left: number, right: number): number {
    const { index, numberMask } = this;
    const hash = hashPair(left, right);
    const tag = this.tagOf(hash);
    let place = Math.trunc(((hash >>> 0) / TWO_32) * index.length);
    let mine = -1;
    for (;;) {
      let entry = index[place] as number;
      if (entry === 0) {
        // A number that comes too late stays unused: nothing may ever be written there again.
        if (mine < 0) mine = this.write(left, right);
        entry = Atomics.compareExchange(index, place, 0, tag | (mine + 1));
        if (entry === 0) {
          this.size++;
          return ~mine;
        }
      }
      if (((entry ^ tag) & ~numberMask) === 0 && this.holds((entry & numberMask) - 1, left, right, place))
        return (entry & numberMask) - 1;
      if (++place === index.length) place = 0;
    }
  }

  /** @returns the number of the pair, or -1 */
  find(left: number, right: number): number {
    const { index, numberMask } = this;
    const hash = hashPair(left, right);
    const tag = this.tagOf(hash);
    for (let place = Math.trunc(((hash >>> 0) / TWO_32) * index.length); ; ) {
      const entry = index[place] as number;
      if (entry === 0) return -1;
      if (((entry ^ tag) & ~numberMask) === 0 && this.holds((entry & numberMask) - 1, left, right, place))
        return (entry & numberMask) - 1;
      if (++place === index.length) place = 0;
    }
  }

  left(number: number): number {
    return ((this.chunks[number >>> CHUNK_BITS] as Int32Array)[this.at(number)] as number) - 1;
  }

  right(number: number): number {
    return ((this.chunks[number >>> CHUNK_BITS] as Int32Array)[this.at(number) + 1] as number) - 1;
  }

  protected at(number: number): number {
    return (number & (CHUNK - 1)) * this.record;
  }

  private tagOf(hash: number): number {
    return hash << this.numberBits;
  }

  private holds(number: number, left: number, right: number, place: number): boolean {
    const chunk = this.chunks[number >>> CHUNK_BITS] as Int32Array;
    const at = this.at(number);
    if (chunk[at] === left + 1 && chunk[at + 1] === right + 1) return true;
    Atomics.load(this.index, place);
    return chunk[at] === left + 1 && chunk[at + 1] === right + 1;
  }

  private write(left: number, right: number): number {
    if (this.free === this.end) this.takeBlock();
    const number = this.free++;
    const chunk = this.chunks[number >>> CHUNK_BITS] as Int32Array;
    const at = this.at(number);
    chunk[at] = left + 1;
    chunk[at + 1] = right + 1;
    return number;
  }

  private takeBlock(): void {
    const { control, next, limit, pause } = this.counters;
    this.free = Atomics.add(control, next, BLOCK);
    this.end = this.free + BLOCK;
    if (this.end > this.chunks.length * CHUNK) throw new InternalError('the visited set has not been given room in time');
    if (this.end > Atomics.load(control, limit)) Atomics.store(control, pause, 1);
  }
}

export class SharedInner extends SharedPairs {
  constructor(memory: PairMemory, counters: Counters) {
    super(memory, PAIR, counters);
  }

  add(left: number, right: number): number {
    const number = this.put(left, right);
    return number < 0 ? ~number : number;
  }
}

/**
 * Each pair is a state. Until the level in which it is met is over, it belongs to the first of the states from which a
 * step leads there, whoever comes there first; then it gets a number.
 */
export class SharedRoots extends SharedPairs {
  constructor(memory: PairMemory, counters: Counters) {
    super(memory, ROOT, counters);
  }

  add(left: number, right: number): number {
    return this.put(left, right);
  }

  /** @returns whether the state now belongs to that parent, and did not before */
  claim(root: number, parent: number): boolean {
    const chunk = this.chunks[root >>> CHUNK_BITS] as Int32Array;
    const at = this.at(root) + KEY;
    let now = chunk[at] as number;
    for (;;) {
      if (now > 0 || (now < 0 && ~now <= parent)) return false;
      const before = Atomics.compareExchange(chunk, at, now, ~parent);
      if (before === now) return true;
      now = before;
    }
  }

  belongsTo(root: number, parent: number): boolean {
    return this.key(root) === ~parent;
  }

  number(root: number, number: number): void {
    (this.chunks[root >>> CHUNK_BITS] as Int32Array)[this.at(root) + KEY] = number + 1;
  }

  /** @returns -1 where it has none */
  numberOf(root: number): number {
    return Math.max(-1, this.key(root) - 1);
  }

  private key(root: number): number {
    return (this.chunks[root >>> CHUNK_BITS] as Int32Array)[this.at(root) + KEY] as number;
  }
}
