/**
 * A document as plain text for a mail: ASCII, prose wrapped at 75 columns, literal blocks as they are. Code loses its
 * backquotes, as kernel mails have none.
 */
import { ascii, wrap } from '../reporters/layout.ts';
import type { Block, Document } from './document.ts';
import { inline } from './spans.ts';
import { tableText } from './text-table.ts';

export const asText = ({ title, blocks }: Document): string =>
  [heading(title, '='), ...blocks.map(linesOf)]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');

const UNDERLINES = { 1: '-', 2: '~', 3: '' } as const;

function linesOf(block: Block): readonly string[] {
  switch (block.kind) {
    case 'heading':
      return heading(block.text, UNDERLINES[block.level]);
    case 'paragraph':
      return wrap(bare(block.text));
    case 'list':
      return block.items.flatMap((item, i) => {
        const bullet = block.ordered ? `${String(i + 1).padStart(String(block.items.length).length)}. ` : '- ';
        return wrap(bare(item), bullet, ' '.repeat(bullet.length));
      });
    case 'literal':
      return literal(block.lines);
    case 'table':
      return tableText(
        block.head.map(plainCell),
        block.rows.map((row) => row.map(plainCell)),
      );
    case 'figure':
      return [...wrap(`${bare(block.alt)}:`), '', ...literal(block.lines)];
  }
}

const asItIs = (text: string): string => text;
const bare = (text: string): string => inline(text, asItIs, asItIs);
const plainCell = (text: string): string => ascii(bare(text));

function heading(text: string, underline: string): readonly string[] {
  const lines = wrap(bare(text));
  return underline === '' ? lines : [...lines, underline.repeat(Math.max(...lines.map(({ length }) => length)))];
}

/** Given lines are never cut, however long. */
const literal = (lines: readonly string[]): readonly string[] => lines.map((line) => ascii(line).trimEnd());
