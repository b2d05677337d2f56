/** Where the columns stand, and what stands above them. */
import { type InColumn, INDENT, lengthOf } from './cells.ts';
import { cut } from './layout.ts';
import type { Row } from './rows.ts';

export interface Column {
  readonly thread: string;
  /** `CPU0` */
  readonly name: string;
}

/** How far apart columns are where nothing is in the way, and how far at least. */
const SPACING = { two: { wanted: 36, least: 14 }, more: { wanted: 24, least: 11 } } as const;

/** Even of three columns the last has room for a call. */
const MOST_GAP = 22;

/** From right to left: a column stands where its longest line still fits, and left enough of the next one. */
export function offsetsFor(rows: readonly Row[], columns: readonly Column[], width: number): readonly number[] {
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

/** `CPU0 (name)` above dashes; on a line each, like a stair, where the columns are too close. */
export function headOf(columns: readonly Column[], offsets: readonly number[], width: number): readonly string[] {
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
