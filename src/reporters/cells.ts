/** One row as the lines of its cell: what it says, and what stands under it where it does not fit beside it. */
import { cut, wrap } from './layout.ts';
import type { Row } from './rows.ts';
import { shorten } from './spoken-step.ts';

export const INDENT = 2;

/** A row that belongs to a thread. */
export type InColumn = Extract<Row, { thread: string }>;

export interface Neighbours {
  readonly before: Row | undefined;
  readonly after: Row | undefined;
}

/** @param from the column in which it begins */
export function cellOf(row: InColumn, { before, after }: Neighbours, from: number, width: number): readonly string[] {
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

/** What a row takes without the notes that can do with a line of their own. */
export function lengthOf(row: InColumn): number {
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
