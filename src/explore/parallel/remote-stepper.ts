/** The tables of a program in a thread that knows no scenario: what they do not say yet, it asks of their owner. */
import { InternalError } from '../../model/errors.ts';
import { NEXT, UNKNOWN } from '../../tables/machine-table.ts';
import { CELL, OUTCOME, POSITION, Stepper, WAY } from '../../tables/stepper.ts';

/** A question to the owner of the tables. Its answer is whatever was learned since the last. */
export type Question =
  | { readonly ask: 'cell'; readonly slot: number; readonly snapshot: number; readonly event: number }
  | { readonly ask: 'outcome'; readonly position: number; readonly way: number; readonly answer: number };

export interface Shape {
  readonly slots: number;
  readonly threads: number;
  /** By slot, the first slot with the same machine: they have one table. */
  readonly tableOf: readonly number[];
  readonly initial: Int32Array;
}

interface Table {
  cells: Int32Array;
  stride: number;
}

export class RemoteStepper extends Stepper {
  private readonly tableOf: readonly number[];
  private readonly tables: readonly Table[];
  private readonly ask: (question: Question) => Int32Array;

  /** @param ask gives all that the owner's log says beyond what was learned so far */
  constructor({ slots, threads, tableOf, initial }: Shape, ask: (question: Question) => Int32Array) {
    super(slots, threads);
    this.ask = ask;
    this.tableOf = tableOf;
    this.tables = tableOf.map(() => ({ cells: new Int32Array(0), stride: 8 }));
    for (const [slot, table] of tableOf.entries()) this.makeRoom(table, (initial[slot] as number) + 1, 0);
    this.refresh();
  }

  /** Takes in a piece of the owner's log: it has to come without gaps. */
  learn(log: Int32Array): void {
    let at = 0;
    const take = (): number => log[at++] as number;
    while (at < log.length) {
      const kind = take();
      if (kind === CELL) this.learnt(take(), take(), take(), take(), take(), take());
      else if (kind === POSITION) this.addPosition(take());
      else if (kind === WAY) {
        const main = take();
        const sends = Array.from({ length: take() }, () => [take(), take(), take()] as const);
        for (const [slot, event] of sends) this.makeRoom(this.tableOf[slot] as number, 0, event + 1);
        const [slots, events, rules] = [0, 1, 2].map((part) => Int32Array.from(sends, (send) => send[part] as number));
        this.addWay(slots as Int32Array, events as Int32Array, rules as Int32Array, main);
      } else if (kind === OUTCOME) this.addOutcome(take(), take(), take(), take());
      else throw new InternalError(`the tables cannot be learned from ${kind}`);
    }
    this.refresh();
  }

  protected override learnCell(slot: number, snapshot: number, event: number): void {
    this.learn(this.ask({ ask: 'cell', slot, snapshot, event }));
    const { cells, stride } = this.table(slot);
    if ((cells[2 * (snapshot * stride + event)] ?? UNKNOWN) === UNKNOWN) throw new InternalError('a question was not answered');
  }

  protected override learnKid(position: number, way: number, answer: number): void {
    this.learn(this.ask({ ask: 'outcome', position, way, answer }));
    if (!this.knows(way, answer)) throw new InternalError('a question was not answered');
  }

  private learnt(slot: number, snapshot: number, event: number, cell: number, answer: number, flags: number): void {
    this.makeRoom(this.tableOf[slot] as number, Math.max(snapshot, cell - NEXT) + 1, event + 1);
    const { cells, stride } = this.table(slot);
    const at = 2 * (snapshot * stride + event);
    cells[at] = cell;
    cells[at + 1] = answer;
    if (answer < 0) return;
    if (answer >= this.answerFlags.length) {
      const longer = new Uint8Array(2 * (answer + 32));
      longer.set(this.answerFlags);
      this.answerFlags = longer;
    }
    this.answerFlags[answer] = flags;
  }

  /** No look-up may ever leave the table, or end in the row of another snapshot. */
  private makeRoom(index: number, snapshots: number, events: number): void {
    const table = this.tables[index] as Table;
    while (events > table.stride) {
      const row = 2 * table.stride;
      const wide = new Int32Array(2 * table.cells.length);
      for (let at = 0; at < table.cells.length; at += row) wide.set(table.cells.subarray(at, at + row), 2 * at);
      table.cells = wide;
      table.stride *= 2;
    }
    const needed = 2 * snapshots * table.stride;
    if (needed <= table.cells.length) return;
    // Whole rows, as to widen moves them one by one.
    const longer = new Int32Array(2 * table.stride * Math.max(snapshots, 2 * Math.ceil(table.cells.length / (2 * table.stride))));
    longer.set(table.cells);
    table.cells = longer;
  }

  private table(slot: number): Table {
    return this.tables[this.tableOf[slot] as number] as Table;
  }

  private refresh(): void {
    for (let slot = 0; slot < this.slots; slot++) {
      const { cells, stride } = this.table(slot);
      this.cells[slot] = cells;
      this.strides[slot] = stride;
    }
  }
}
