/** A document as reStructuredText in the manner of Documentation/doc-guide/sphinx.rst of the kernel. */
import type { Block, Document } from './document.ts';
import { inline } from './spans.ts';

export interface RstOptions {
  /** The licence for the first line of a file under Documentation/: `GPL-2.0`. */
  readonly spdx?: string;
}

export const asRst = ({ title, blocks }: Document, { spdx }: RstOptions = {}): string =>
  [spdx === undefined ? [] : [`.. SPDX-License-Identifier: ${spdx}`], heading(title, '=', true), ...blocks.map(linesOf)]
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');

/** An empty item or paragraph would change what stands beside it. */
const isSaid = (text: string): boolean => text.trim() !== '';

const UNDERLINES = { 1: '=', 2: '-', 3: '~' } as const;
const INDENT = '    ';

function linesOf(block: Block): readonly string[] {
  switch (block.kind) {
    case 'heading':
      return heading(block.text, UNDERLINES[block.level], false);
    case 'paragraph':
      return isSaid(block.text) ? fill(block.text) : [];
    case 'list':
      return block.items.filter(isSaid).flatMap((item, i) => fill(item, block.ordered ? `${i + 1}. ` : '- '));
    case 'literal':
      return literal(block.lines);
    case 'table':
      return table(block.head, block.rows);
    case 'figure':
      return [...fill(`${block.alt}:`), '', ...literal(block.lines)];
  }
}

function heading(text: string, letter: string, over: boolean): readonly string[] {
  const line = atStart(prose(text));
  const rule = letter.repeat(line.length);
  return [...(over ? [rule] : []), line, rule];
}

/** In the kernel's build `function()` becomes a link where it stands plain. */
const prose = (text: string): string =>
  apart(inline(text, escape, (code) => (/^[a-z_]\w*\(\)$/i.test(code) ? escape(code) : `\0\`\`${code.trim()}\`\`\0`)));

/** An underscore makes a reference of the word that it ends. */
const escape = (text: string): string => text.replace(/[\\*`|]|_(?=_*(?:[^a-z0-9_]|$))/gi, (special) => `\\${special}`);

/** Markup begins and ends at white space or punctuation; elsewhere an escaped blank, which is not shown, parts it from the word. */
const apart = (text: string): string =>
  text
    .replace(/(?<=^|[\s'"([{<\-/:])\0``/g, '``')
    .replaceAll('\0``', '\\ ``')
    .replace(/``\0(?=$|[\s'")\]}>\-/\\:.,;!?])/g, '``')
    .replaceAll('``\0', '``\\ ');

/** What would begin a list, a field, a comment or a table; a line of nothing but punctuation would be a rule. */
const atStart = (text: string): string =>
  /^[^a-z0-9]+$/i.test(text) ? `\\ ${text}` : text.replace(/^(?=[-+.:>/=]|[\w#]+[.)](?:\s|$)|\(\w+\)(?:\s|$))/, '\\');

const WIDTH = 75;

/** No word is cut: markup would be cut with it. A last `::` would take what follows for code. */
function fill(text: string, bullet = ''): readonly string[] {
  const lines: string[] = [];
  const words = atStart(prose(text).replace(/::$/, ':\\:')).split(' ');
  const hanging = ' '.repeat(bullet.length);
  let line = `${bullet}${words[0] ?? ''}`;
  for (const word of words.slice(1)) {
    if (line.length + 1 + word.length <= WIDTH) line += ` ${word}`;
    else {
      lines.push(line);
      line = `${hanging}${/^\W+$/.test(word) ? '\\ ' : ''}${word}`;
    }
  }
  return [...lines, line.trimEnd()];
}

function literal(lines: readonly string[]): readonly string[] {
  if (lines.every((line) => line.trim() === '')) return [];
  return ['::', '', ...lines.map((line) => `${INDENT}${line}`.trimEnd())];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) =>
    head.flatMap((_, i) => {
      const [first = '', ...more] = fill(cells[i] ?? '');
      return [`   ${i === 0 ? '*' : ' '} - ${first}`.trimEnd(), ...more.map((text) => `       ${text}`)];
    });
  return ['.. list-table::', ...(rows.length === 0 ? [] : ['   :header-rows: 1']), '', ...[head, ...rows].flatMap(line)];
}
