/** Sets of small numbers as rows of bits in one array. */
export class BitRows {
  readonly words: number;
  readonly bits: Int32Array;

  constructor(rows: number, columns: number, bits: Int32Array = new Int32Array(rows * ((columns + 31) >> 5))) {
    this.words = (columns + 31) >> 5;
    this.bits = bits;
  }

  add(row: number, column: number): void {
    const at = row * this.words + (column >> 5);
    this.bits[at] = (this.bits[at] as number) | (1 << (column & 31));
  }

  has(row: number, column: number): boolean {
    return (((this.bits[row * this.words + (column >> 5)] as number) >> (column & 31)) & 1) === 1;
  }

  /** @returns whether the row has become greater by it */
  addAll(row: number, from: number): boolean {
    let grown = 0;
    for (let word = 0; word < this.words; word++) {
      const at = row * this.words + word;
      const before = this.bits[at] as number;
      const after = before | (this.bits[from * this.words + word] as number);
      grown |= before ^ after;
      this.bits[at] = after;
    }
    return grown !== 0;
  }

  meets(row: number, others: BitRows, other: number): boolean {
    for (let word = 0; word < this.words; word++)
      if (((this.bits[row * this.words + word] as number) & (others.bits[other * others.words + word] as number)) !== 0)
        return true;
    return false;
  }
}
