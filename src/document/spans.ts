/** The texts of a document as runs of prose and of code, which stands between backquotes. */
export interface Span {
  readonly isCode: boolean;
  readonly text: string;
}

/** A backquote that has no partner is a backquote, and so are two around nothing. White space is one blank: a text has no lines of its own. */
export function spansOf(text: string): readonly Span[] {
  const parts = text
    .trim()
    .replace(/\s+/g, ' ')
    .split(/`([^`]*[^`\s][^`]*)`/);
  return parts.map((part, i) => ({ isCode: i % 2 === 1, text: part })).filter((span) => span.text !== '');
}

/** Each run in the words of a format, one after the other. */
export const inline = (text: string, prose: (text: string) => string, code: (text: string) => string): string =>
  spansOf(text)
    .map((span) => (span.isCode ? code(span.text) : prose(span.text)))
    .join('');
