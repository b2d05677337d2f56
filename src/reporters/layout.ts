/** Plain text that survives a mail: ASCII, no tabs, 75 columns. */

export const WIDTH = 75;

const PLAIN: Readonly<Record<string, string>> = {
  '\u2018': "'",
  '\u2019': "'",
  '\u201c': '"',
  '\u201d': '"',
  '\u2013': '-',
  '\u2014': '-',
  '\u2026': '...',
  '\u2192': '->',
  '\u00a0': ' ',
  '\t': ' ',
};

/** Other people's words in ASCII. What has no plain form becomes a question mark. */
export const ascii = (text: string): string => text.replace(/[^\x20-\x7e\n]/gu, (letter) => PLAIN[letter] ?? '?');

/** Breaks at white space. A word that is longer than a line is cut, so that nothing is ever wider than `width`. */
export function wrap(text: string, indent = '', hanging = indent, width = WIDTH): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  let empty = true;
  const end = () => {
    lines.push(line);
    line = hanging;
    empty = true;
  };
  for (const word of ascii(text).split(/\s+/).filter(Boolean)) {
    if (!empty && line.length + 1 + word.length > width) end();
    line += empty ? word : ` ${word}`;
    empty = false;
    while (line.length > width) {
      const rest = line.slice(width);
      line = line.slice(0, width);
      end();
      line += rest;
      empty = false;
    }
  }
  if (!empty || lines.length === 0) lines.push(line);
  return lines.map((each) => each.trimEnd());
}

/** A line that is too long loses its end, and says so. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : width <= 3 ? '...'.slice(0, Math.max(0, width)) : `${text.slice(0, width - 3)}...`;

/** `1 step`, `2 steps`; thousands are set apart. */
export const count = (n: number, one: string, many = `${one}s`): string => `${grouped(n)} ${n === 1 ? one : many}`;

export const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/** `a`, `a and b`, `a, b and c` */
export const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

/** Colours and weights of a terminal. In plain text they are nothing, so no meaning may rest on them. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly doubtful: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

const asItIs = (text: string): string => text;
export const plain: Paint = { good: asItIs, bad: asItIs, doubtful: asItIs, strong: asItIs, faint: asItIs };
