/**
 * Rows in columns, one for each CPU. Only one cell of a line is filled, so its text may run on to the right; columns are
 * as far apart as the longest lines of the ones to the right allow.
 */
import { cellOf, INDENT, type Neighbours } from './cells.ts';
import { type Column, headOf, offsetsFor } from './column-heads.ts';
import { WIDTH, wrap } from './layout.ts';
import type { Row } from './rows.ts';

/** Deeper than this nothing is indented. */
const LEAST_ROOM = 20;

/** @param numbered steps carry their number, for the text below to refer to */
export function inColumns(rows: readonly Row[], columns: readonly Column[], numbered: boolean): readonly string[] {
  const gutter = new Gutter(rows, numbered);
  const width = WIDTH - gutter.width;
  const offsets = offsetsFor(rows, columns, width);
  const head = headOf(columns, offsets, width).map((line) => `${gutter.blank}${line}`);
  const at = (thread: string) => offsets[columns.findIndex((column) => column.thread === thread)] ?? 0;
  const body = rows.flatMap((row, i) => linesOf(row, { before: rows[i - 1], after: rows[i + 1] }, at, gutter, width));
  return [...head, ...body].map((line) => line.trimEnd());
}

/** The margin: the number of the step, where there are numbers, and a star at the racing steps. */
class Gutter {
  readonly width: number;
  private readonly digits: number;

  constructor(rows: readonly Row[], numbered: boolean) {
    const last = rows.findLast((row) => row.kind === 'step');
    this.digits = numbered && last?.kind === 'step' ? String(last.step.index).length + 1 : 0;
    this.width = this.digits + (rows.some((row) => row.kind === 'step' && row.marked) ? 2 : 0);
  }

  get blank(): string {
    return ' '.repeat(this.width);
  }

  of(row: Row): string {
    if (row.kind !== 'step') return this.blank;
    const number = this.digits === 0 ? '' : `${String(row.step.index).padStart(this.digits - 1)} `;
    return `${number}${row.marked ? '* ' : '  '}`.slice(0, this.width);
  }
}

function linesOf(
  row: Row,
  neighbours: Neighbours,
  at: (thread: string) => number,
  gutter: Gutter,
  width: number,
): readonly string[] {
  switch (row.kind) {
    case 'loop':
      return [`${gutter.blank}loop:`];
    case 'again':
      return [`${gutter.blank}(again from step ${row.from})`];
    case 'result':
      return wrap(`=> ${row.says}`, gutter.blank, `${gutter.blank}   `);
    case 'enter':
    case 'step':
    case 'elided':
    case 'stuck':
    case 'wrong': {
      const from = Math.min(at(row.thread) + row.depth * INDENT, width - LEAST_ROOM);
      const [first = '', ...more] = cellOf(row, neighbours, from, width);
      return [`${gutter.of(row)}${first}`, ...more.map((line) => `${gutter.blank}${line}`)];
    }
  }
}
