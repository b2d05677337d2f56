/**
 * A document as its parts, so that one text can be written as plain text for a mail, as Markdown, as ReST for
 * Documentation/, or as a page. In the texts of paragraphs, items and cells `code` stands between backquotes.
 */
export interface Document {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly string[] }
  /** Set as it is: diagrams, what a kernel prints, schedules. At most 75 columns, ASCII, unless it is for a program to read. */
  | { readonly kind: 'literal'; readonly lines: readonly string[]; readonly language?: 'mermaid' }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  /** A drawing, and the same in characters for those formats that have no drawings. */
  | { readonly kind: 'figure'; readonly alt: string; readonly svg: string; readonly lines: readonly string[] };
