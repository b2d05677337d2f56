/** A list of integers that grows without copying what it holds. */

/** Gives back, in the same order, the numbers that were written down. */
export interface NumberSource {
  read(into: Int32Array): void;
}

const CHUNK_BITS = 11;
const CHUNK = 1 << CHUNK_BITS;

export class NumberList {
  length = 0;
  private readonly chunks: Int32Array[] = [];

  get bytes(): number {
    return this.chunks.length * CHUNK * 4;
  }

  push(value: number): void {
    const { length } = this;
    if ((length & (CHUNK - 1)) === 0) this.chunks.push(new Int32Array(CHUNK));
    (this.chunks[length >>> CHUNK_BITS] as Int32Array)[length & (CHUNK - 1)] = value;
    this.length++;
  }

  /** How many there are, then all of them, in pieces. */
  *write(): Generator<Int32Array> {
    yield Int32Array.of(this.length);
    for (const [i, chunk] of this.chunks.entries()) yield chunk.subarray(0, Math.min(CHUNK, this.length - i * CHUNK));
  }

  static read(source: NumberSource): NumberList {
    const list = new NumberList();
    const length = new Int32Array(1);
    source.read(length);
    list.length = length[0] as number;
    for (let left = list.length; left > 0; left -= CHUNK) {
      const chunk = new Int32Array(CHUNK);
      source.read(chunk.subarray(0, Math.min(CHUNK, left)));
      list.chunks.push(chunk);
    }
    return list;
  }

  at(index: number): number {
    return (this.chunks[index >>> CHUNK_BITS] as Int32Array)[index & (CHUNK - 1)] as number;
  }
}
