/** An exact set of state vectors. Ids are given in the order of arrival; vectors are kept in chunks that never move. */
const CHUNK_BITS = 13;
const CHUNK = 1 << CHUNK_BITS;

export class VisitedSet {
  size = 0;
  private readonly width: number;
  private readonly chunks: Int32Array[] = [];
  private index = new Int32Array(1 << 12).fill(-1);
  private mask = this.index.length - 1;

  constructor(width: number) {
    this.width = width;
  }

  /** @returns the id of the vector, or its complement (`~id`) if it was not there before */
  add(vector: Int32Array): number {
    let at = this.find(vector);
    const known = this.index[at] as number;
    if (known >= 0) return known;
    if (this.size >= this.index.length >> 1) {
      this.grow();
      at = this.find(vector);
    }
    const id = this.size++;
    if ((id & (CHUNK - 1)) === 0) this.chunks.push(new Int32Array(CHUNK * this.width));
    this.chunk(id).set(vector, (id & (CHUNK - 1)) * this.width);
    this.index[at] = id;
    return ~id;
  }

  /** @returns the id of the vector, or -1 */
  idOf(vector: Int32Array): number {
    return this.index[this.find(vector)] as number;
  }

  get(id: number, into: Int32Array): void {
    const from = (id & (CHUNK - 1)) * this.width;
    into.set(this.chunk(id).subarray(from, from + this.width));
  }

  get bytes(): number {
    return this.index.byteLength + this.chunks.length * CHUNK * this.width * 4;
  }

  private chunk(id: number): Int32Array {
    return this.chunks[id >> CHUNK_BITS] as Int32Array;
  }

  /** The place in the index where the vector is, or where it would be put. */
  private find(vector: Int32Array): number {
    const { width, index, mask } = this;
    for (let at = hash(vector, 0, width) & mask; ; at = (at + 1) & mask) {
      const id = index[at] as number;
      if (id < 0) return at;
      const chunk = this.chunk(id);
      const from = (id & (CHUNK - 1)) * width;
      let same = 0;
      while (same < width && chunk[from + same] === vector[same]) same++;
      if (same === width) return at;
    }
  }

  private grow(): void {
    const index = new Int32Array(this.index.length * 2).fill(-1);
    const mask = index.length - 1;
    for (let id = 0; id < this.size; id++) {
      let at = hash(this.chunk(id), (id & (CHUNK - 1)) * this.width, this.width) & mask;
      while ((index[at] as number) >= 0) at = (at + 1) & mask;
      index[at] = id;
    }
    this.index = index;
    this.mask = mask;
  }
}

/** The mixing of MurmurHash3, word by word. */
function hash(vector: Int32Array, from: number, width: number): number {
  let h = width;
  for (let i = from; i < from + width; i++) {
    let k = Math.imul(vector[i] as number, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64;
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return (h ^ (h >>> 16)) >>> 0;
}
