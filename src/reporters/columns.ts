/**
 * Rows in columns, one for each CPU. Only one cell of a line is filled, so its text may run on to the right; columns are
 * as far apart as the longest lines of the ones to the right allow.
 */
import { cut, WIDTH, wrap } from './layout.ts';
import type { Row } from './rows.ts';
import { shorten } from './spoken-step.ts';

export interface Column {
  readonly thread: string;
  /** `CPU0` */
  readonly name: string;
}

/** How far apart columns are where nothing is in the way, and how far at least. */
const SPACING = { two: { wanted: 36, least: 14 }, more: { wanted: 24, least: 11 } } as const;

const INDENT = 2;

/** Even of three columns the last has room for a call. */
const MOST_GAP = 22;

/** Deeper than this nothing is indented. */
const LEAST_ROOM = 20;

/** @param numbered steps carry their number, for the text below to refer to */
export function inColumns(rows: readonly Row[], columns: readonly Column[], numbered: boolean): readonly string[] {
  const gutter = new Gutter(rows, numbered);
  const width = WIDTH - gutter.width;
  const offsets = offsetsFor(rows, columns, width);
  const head = headOf(columns, offsets, width).map((line) => `${gutter.blank}${line}`);
  const at = (thread: string) => offsets[columns.findIndex((column) => column.thread === thread)] ?? 0;
  return [...head, ...rows.flatMap((row, i) => linesOf(row, { before: rows[i - 1], after: rows[i + 1] }, at, gutter, width))].map(
    (line) => line.trimEnd(),
  );
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

interface Neighbours {
  readonly before: Row | undefined;
  readonly after: Row | undefined;
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
    default: {
      const from = Math.min(at(row.thread) + row.depth * INDENT, width - LEAST_ROOM);
      const [first = '', ...more] = cellOf(row, neighbours, from, width);
      return [`${gutter.of(row)}${first}`, ...more.map((line) => `${gutter.blank}${line}`)];
    }
  }
}

type InColumn = Extract<Row, { thread: string }>;

function cellOf(row: InColumn, { before, after }: Neighbours, from: number, width: number): readonly string[] {
  const room = width - from;
  const put = (says: string) => `${' '.repeat(from)}${says}`;
  switch (row.kind) {
    case 'enter':
    case 'elided':
      return [put(cut(row.says, room))];
    case 'stuck':
      return [put(shorten(row.says, room)), ...pushedLeft(row.waits, from, width)];
    case 'step': {
      const { says, note } = row.spoken;
      if (note !== null && fits(row, room)) return [put(`${says}  ${note}`)];
      // Under a step that went wrong stand its carets first.
      const below = note === null || after?.kind === 'wrong' ? [] : pushedLeft(note, from + INDENT, width);
      return [put(shorten(says, room)), ...below];
    }
    case 'wrong': {
      if (before?.kind !== 'step') return pushedLeft(row.says, from, width);
      const { says, note } = before.spoken;
      const carets = put('^'.repeat(shorten(says, room).length));
      return [
        carets,
        ...(note === null || fits(before, room) ? [] : pushedLeft(note, from, width)),
        ...pushedLeft(row.says, from, width),
      ];
    }
  }
}

const fits = ({ spoken: { says, note } }: Extract<Row, { kind: 'step' }>, room: number): boolean =>
  note === null || says.length + 2 + note.length <= room;

/** Text that begins further left where it does not fit, and is broken where not even that helps. */
function pushedLeft(text: string, wanted: number, width: number): readonly string[] {
  if (text === '') return [];
  const indent = ' '.repeat(Math.max(0, Math.min(wanted, width - text.length)));
  return wrap(text, indent, indent, width);
}

/** From right to left: a column stands where its longest line still fits, and left enough of the next one. */
function offsetsFor(rows: readonly Row[], columns: readonly Column[], width: number): readonly number[] {
  const { wanted, least } = columns.length === 2 ? SPACING.two : SPACING.more;
  const own = columns.map(({ thread }) => rows.filter((row): row is InColumn => 'thread' in row && row.thread === thread));
  // A line of one column must not begin where the next column stands.
  const gaps = own.map((inColumn) => Math.min(MOST_GAP, Math.max(least, ...inColumn.map(({ depth }) => depth * INDENT + 3))));
  const leftmost = gaps.map((_, i) => gaps.slice(0, i).reduce((sum, gap) => sum + gap, 0));
  const offsets: number[] = [];
  for (let i = columns.length - 1; i >= 0; i--) {
    const longest = Math.max(0, ...(own[i] ?? []).map(lengthOf));
    const next = offsets[0];
    const room = Math.min(i * wanted, width - longest, next === undefined ? width : next - (gaps[i] ?? 0));
    offsets.unshift(Math.max(leftmost[i] ?? 0, room));
  }
  return offsets;
}

/** What a row takes without the notes that can do with a line of their own. */
function lengthOf(row: InColumn): number {
  const texts =
    row.kind === 'step'
      ? [row.spoken.says]
      : row.kind === 'stuck'
        ? [row.says, row.waits]
        : row.kind === 'wrong'
          ? []
          : [row.says];
  return row.depth * INDENT + Math.max(0, ...texts.map(({ length }) => length));
}

/** `CPU0 (name)` above dashes; on a line each, like a stair, where the columns are too close. */
function headOf(columns: readonly Column[], offsets: readonly number[], width: number): readonly string[] {
  const labels = columns.map(({ name, thread }) => `${name} (${thread})`);
  const at = (i: number) => offsets[i] ?? width + 1;
  if (labels.every((label, i) => at(i) + label.length < at(i + 1))) {
    const row = (texts: readonly string[]) => texts.reduce((line, text, i) => line.padEnd(at(i)) + text, '');
    return [row(labels), row(labels.map((label) => '-'.repeat(label.length)))];
  }
  return [...labels, ''].map((label, i) => {
    const dashes = i === 0 ? '' : `${' '.repeat(at(i - 1))}----`;
    return label === '' ? dashes : `${dashes.padEnd(at(i))}${cut(label, width - at(i))}`;
  });
}
