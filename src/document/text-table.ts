/**
 * A table in characters: aligned columns where they fit a mail, with the last one wrapped where that is enough, and
 * else a list that names each row and tells the rest of it below.
 */
import { WIDTH, wrap } from '../reporters/layout.ts';

const GAP = 2;
/** A narrower column of wrapped words is harder to read than a list. */
const LEAST_LAST = 24;

export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const before = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP, 0);
  const last = Math.min(widths.at(-1) ?? 0, WIDTH - before);
  const fits = last === widths.at(-1) || last >= LEAST_LAST;
  return fits ? aligned(head, rows, [...widths.slice(0, -1), last]) : definitions(head, rows);
}

function aligned(head: readonly string[], rows: readonly (readonly string[])[], widths: readonly number[]): readonly string[] {
  const rule = widths
    .map((width) => '-'.repeat(width))
    .join(' '.repeat(GAP))
    .trimEnd();
  return [...lineOf(head, widths), rule, ...rows.flatMap((row) => lineOf(row, widths))];
}

function lineOf(row: readonly string[], widths: readonly number[]): readonly string[] {
  const begin = widths.slice(0, -1).reduce((line, width, i) => line + (row[i] ?? '').padEnd(width + GAP), '');
  return wrap(row[widths.length - 1] ?? '', begin, ' '.repeat(begin.length)).map((line) => line.trimEnd());
}

function definitions([, ...head]: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return rows.flatMap(([name = '', ...cells], i) => [
    ...(i === 0 ? [] : ['']),
    ...wrap(name),
    ...cells.flatMap((cell, j) => (cell === '' ? [] : wrap(`${head[j] ?? ''}: ${cell}`, '  ', '    '))),
  ]);
}
