import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Block, Document } from '../../src/document/document.ts';
import { asHtml } from '../../src/document/html.ts';
import { asMarkdown } from '../../src/document/markdown.ts';
import { DOCUMENT_FORMATS, render } from '../../src/document/render.ts';
import { asRst } from '../../src/document/rst.ts';
import { asText } from '../../src/document/text.ts';
import { isGolden } from '../reporters/golden.ts';
import { everyBlock } from './every-block.ts';

/** Markdown is not named so: what is pinned must not be laid out anew with the rest of the files. */
const ENDINGS = { text: 'txt', markdown: 'md.txt', rst: 'rst', html: 'html' } as const;

for (const format of DOCUMENT_FORMATS)
  test(`a document with every block reads as it is pinned, as ${format}`, (t) => {
    isGolden(t, `document.${ENDINGS[format]}`, render(everyBlock, format));
  });

const paragraph = (text: string): Document => ({ title: 'T', blocks: [{ kind: 'paragraph', text }] });
const markdownOf = (text: string): string => asMarkdown(paragraph(text)).split('\n')[2] ?? '';
const rstOf = (text: string): string => asRst(paragraph(text)).split('\n').slice(4).join('\n').trimEnd();
const htmlOf = (text: string): string => /<p>(.*)<\/p>/.exec(asHtml(paragraph(text)))?.[1] ?? '';

test('a text loses its backquotes, as mails have none', (t) => {
  t.is(asText(paragraph('`kfree()` of `&p` and a lone `')), 'T\n=\n\nkfree() of &p and a lone `\n');
});

for (const [text, markdown, rst, html] of [
  ['a *b* c', 'a \\*b\\* c', 'a \\*b\\* c', 'a *b* c'],
  ['a lone ` here', 'a lone \\` here', 'a lone \\` here', 'a lone ` here'],
  ['`*p`', '`*p`', '``*p``', '<code>*p</code>'],
  ['a | b', 'a \\| b', 'a \\| b', 'a | b'],
  ['a < b & c', 'a \\< b & c', 'a < b & c', 'a &lt; b &amp; c'],
  ['an &lt;', 'an \\&lt;', 'an &lt;', 'an &amp;lt;'],
  ['`a < b`', '`a < b`', '``a < b``', '<code>a &lt; b</code>'],
  ['a_b _c d_', 'a_b \\_c d\\_', 'a_b _c d\\_', 'a_b _c d_'],
  ['many `refs`s', 'many `refs`s', 'many ``refs``\\ s', 'many <code>refs</code>s'],
  ['the `open()` call', 'the `open()` call', 'the open() call', 'the <code>open()</code> call'],
  ['# one', '\\# one', '# one', '# one'],
  ['1. one', '1\\. one', '\\1. one', '1. one'],
  ['a [b](c)', 'a \\[b\\](c)', 'a [b](c)', 'a [b](c)'],
  ['----', '\\----', '\\ ----', '----'],
  ['as follows::', 'as follows::', 'as follows:\\:', 'as follows::'],
] as const)
  test(`"${text}" is escaped in each markup`, (t) => {
    t.is(markdownOf(text), markdown);
    t.is(rstOf(text), rst);
    t.is(htmlOf(text), html);
  });

test('a bar parts no cells of a Markdown table, in prose or in code', (t) => {
  const table = asMarkdown({ title: 'T', blocks: [{ kind: 'table', head: ['a | b'], rows: [['`x|y`']] }] });
  t.true(table.endsWith('| a \\| b |\n| --- |\n| `x\\|y` |\n'));
});

test('a fence of Markdown is longer than any backquotes within', (t) => {
  const text = asMarkdown({ title: 'T', blocks: [{ kind: 'literal', lines: ['```', 'x'] }] });
  t.is(text, '# T\n\n````text\n```\nx\n````\n');
});

test('ReST names its licence in the first line where that is asked for, and only there', (t) => {
  t.true(asRst(everyBlock, { spdx: 'GPL-2.0' }).startsWith('.. SPDX-License-Identifier: GPL-2.0\n\n====='));
  t.false(asRst(everyBlock).includes('SPDX'));
});

test('a page needs nothing but itself', (t) => {
  const page = asHtml(everyBlock);
  t.notRegex(page, /<script|<link|<img|@import|url\(/);
  t.true(page.includes('<svg'));
});

test('a figure without a drawing shows its lines on a page, too', (t) => {
  const page = asHtml({ title: 'T', blocks: [{ kind: 'figure', alt: 'locks', svg: '', lines: ['A --> B'] }] });
  t.true(page.includes('<pre>\nA --&gt; B</pre>'));
});

test('a table as text wraps its last column, and becomes a list where even that does not fit', (t) => {
  const long = 'a clause of words that goes on for longer than a line of a mail is wide, and then some';
  const table = (head: readonly string[], row: readonly string[]) =>
    asText({ title: 'T', blocks: [{ kind: 'table', head, rows: [row] }] });
  t.is(
    table(['a', 'b'], ['x', long]),
    `T\n=\n\na  b\n-  ${'-'.repeat(72)}\nx  a clause of words that goes on for longer than a line of a mail is wide,\n   and then some\n`,
  );
  t.is(
    table(['a', 'b', 'c', 'd'], ['x', long, '', 'y']),
    `T\n=\n\nx\n  b: a clause of words that goes on for longer than a line of a mail is\n    wide, and then some\n  d: y\n`,
  );
});

const anything = fc.string({
  unit: fc.constantFrom(...Array.from('ab_` *|<>&#-:.1\\~[]'), 'word', 'é', '→', '\n', '\t'),
  maxLength: 120,
});
const cells = fc.array(anything, { minLength: 3, maxLength: 3 });
const block: fc.Arbitrary<Block> = fc.oneof(
  fc.record({ kind: fc.constant('heading' as const), level: fc.constantFrom(1, 2, 3), text: anything }),
  fc.record({ kind: fc.constant('paragraph' as const), text: anything }),
  fc.record({ kind: fc.constant('list' as const), ordered: fc.boolean(), items: fc.array(anything, { maxLength: 12 }) }),
  fc.record({ kind: fc.constant('table' as const), head: cells, rows: fc.array(cells, { maxLength: 3 }) }),
);
const document = fc.record({ title: anything, blocks: fc.array(block, { maxLength: 4 }) });

testProp(
  'no line of a text is wider than 75 columns, and all is ASCII without tabs or trailing blanks',
  [document],
  (t, drawn) => {
    for (const line of asText(drawn).split('\n')) t.regex(line, /^(?:|[\x20-\x7e]{0,74}[\x21-\x7e])$/);
  },
);

testProp('a line that is given as it is is never cut', [fc.integer({ min: 1, max: 200 })], (t, n) => {
  const line = 'x'.repeat(n);
  for (const format of DOCUMENT_FORMATS)
    t.true(render({ title: 'T', blocks: [{ kind: 'literal', lines: [line] }] }, format).includes(line));
});

testProp('nothing in a document becomes an element of the page', [document], (t, drawn) => {
  const ours =
    /<\/?(?:!doctype html|html|head|meta|title|style|body|h[1-4]|p|ul|ol|li|table|thead|tbody|tr|th|td|code)(?: [^<>]*)?>/g;
  t.notRegex(
    asHtml(drawn)
      .replace(/<style>[^]*<\/style>/, '')
      .replaceAll(ours, ''),
    /[<>]/,
  );
});

testProp(
  'a table of Markdown has as many cells in each row as in its head',
  [cells, fc.array(cells, { maxLength: 3 })],
  (t, head, rows) => {
    const text = asMarkdown({ title: 'T', blocks: [{ kind: 'table', head, rows }] });
    for (const line of text.split('\n').filter((each) => each.startsWith('|')))
      t.is(line.match(/(?<!\\)(?:\\\\)*\|/g)?.length, 4, line);
  },
);
