/** An array of integers that grows at its end. Readers in hot loops take `all` anew whenever something may have been added. */
export class Growing {
  length = 0;
  all: Int32Array;

  constructor(room = 64) {
    this.all = new Int32Array(room);
  }

  push(value: number): number {
    if (this.length === this.all.length) {
      const longer = new Int32Array(this.all.length * 2);
      longer.set(this.all);
      this.all = longer;
    }
    this.all[this.length] = value;
    return this.length++;
  }
}
