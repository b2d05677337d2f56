/**
 * A document as GitHub's Markdown. A paragraph stays on one line: where comments are written in it, each end of a line
 * would be shown as one.
 */
import type { Block, Document } from './document.ts';
import { inline } from './spans.ts';

export const asMarkdown = ({ title, blocks }: Document): string =>
  [heading(1, title), ...blocks.map(markup)]
    .filter((text) => text !== '')
    .map((text) => `${text}\n`)
    .join('\n');

function markup(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return heading(block.level + 1, block.text);
    case 'paragraph':
      return atStart(prose(block.text));
    case 'list':
      return block.items.map((item, i) => `${block.ordered ? `${i + 1}.` : '-'} ${atStart(prose(item))}`).join('\n');
    case 'literal':
      return fenced(block.lines, block.language);
    case 'table':
      return table(block.head, block.rows);
    case 'figure':
      return `${atStart(prose(block.alt))}:\n\n${fenced(block.lines)}`;
  }
}

/** A row of hashes at its end would be no part of it. */
const heading = (level: number, text: string): string => `${'#'.repeat(level)} ${prose(text).replace(/#$/, '\\#')}`;

const prose = (text: string): string => inline(text, escape, (code) => `\`${code}\``);

/** An underscore within a word means nothing, and kernel names are full of them. */
const escape = (text: string): string =>
  text.replace(/[\\`*<>[\]~|]|&(?=#?\w+;)|(?<![^\W_])_|_(?![^\W_])/g, (special) => `\\${special}`);

/** What would begin a heading, a list, a quotation or a rule. */
const atStart = (text: string): string => text.replace(/^([#+=-])/, '\\$1').replace(/^(\d+)([.)])/, '$1\\$2');

/** Longer than any row of backquotes within. */
function fenced(lines: readonly string[], language = 'text'): string {
  if (lines.length === 0) return '';
  const longest = Math.max(2, ...lines.flatMap((line) => (line.match(/`+/g) ?? []).map(({ length }) => length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...lines.map((line) => line.trimEnd()), fence].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${head.map((_, i) => cell(cells[i] ?? '')).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** A bar ends a cell even within code. */
const cell = (text: string): string => inline(text, escape, (code) => `\`${code.replaceAll('|', '\\|')}\``);
