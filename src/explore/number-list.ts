/** A list of integers that grows without copying what it holds. */
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

  at(index: number): number {
    return (this.chunks[index >>> CHUNK_BITS] as Int32Array)[index & (CHUNK - 1)] as number;
  }
}
