/** A document as a page that needs nothing else: no script, no file beside it, light or dark as the reader has it. */
import type { Block, Document } from './document.ts';
import { inline } from './spans.ts';

export const asHtml = ({ title, blocks }: Document): string =>
  [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escape(title.replaceAll('`', ''))}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    `<h1>${prose(title)}</h1>`,
    ...blocks.map(element),
    '</body>',
    '</html>',
    '',
  ].join('\n');

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#c8ccd0, #454b52); --faint: light-dark(#f4f5f6, #1e2226); }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif;
  color: light-dark(#1b1f23, #d8dce0); background: light-dark(#ffffff, #14171a); }
h1, h2, h3, h4 { line-height: 1.25; margin: 2em 0 0.5em; }
h1 { margin-top: 0; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.875rem; }
code { background: var(--faint); padding: 0.1em 0.25em; border-radius: 3px; }
pre { background: var(--faint); border: 1px solid var(--line); padding: 0.75rem; overflow-x: auto; line-height: 1.35; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: 0.3em 0.6em; text-align: left; vertical-align: top; }
th { background: var(--faint); }
figure { margin: 1.5em 0; overflow-x: auto; }
figcaption { font-size: 0.875rem; }
svg { max-width: 100%; height: auto; }
`;

function element(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level + 1}>${prose(block.text)}</h${block.level + 1}>`;
    case 'paragraph':
      return `<p>${prose(block.text)}</p>`;
    case 'list': {
      const list = block.ordered ? 'ol' : 'ul';
      return [`<${list}>`, ...block.items.map((item) => `<li>${prose(item)}</li>`), `</${list}>`].join('\n');
    }
    case 'literal':
      return pre(block.lines);
    case 'table':
      return table(block.head, block.rows);
    case 'figure':
      return [
        '<figure>',
        block.svg === '' ? pre(block.lines) : block.svg.trim(),
        `<figcaption>${prose(block.alt)}</figcaption>`,
        '</figure>',
      ].join('\n');
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? letter);

const prose = (text: string): string => inline(text, escape, (code) => `<code>${escape(code)}</code>`);

/** A first empty line would be swallowed. */
const pre = (lines: readonly string[]): string => `<pre>\n${lines.map((line) => escape(line.trimEnd())).join('\n')}</pre>`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (tag: 'th' | 'td', cells: readonly string[]) =>
    `<tr>${head.map((_, i) => `<${tag}>${prose(cells[i] ?? '')}</${tag}>`).join('')}</tr>`;
  return [
    '<table>',
    `<thead>${row('th', head)}</thead>`,
    '<tbody>',
    ...rows.map((cells) => row('td', cells)),
    '</tbody>',
    '</table>',
  ].join('\n');
}
