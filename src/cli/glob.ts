/** Patterns over names and over paths: `*` and `?` within a part of a path, `**` across parts, `{a,b}`, `[abc]`. */

export const isGlob = (text: string): boolean => /[*?{}[\]]/.test(text);

export function globToRegExp(glob: string): RegExp {
  let source = '';
  let inBraces = 0;
  for (let i = 0; i < glob.length; i++) {
    const letter = glob[i] as string;
    if (letter === '*' && glob[i + 1] === '*') {
      // `**/` may stand for no folder at all.
      const isFolder = glob[i + 2] === '/';
      source += isFolder ? '(?:.*/)?' : '.*';
      i += isFolder ? 2 : 1;
    } else if (letter === '*') source += '[^/]*';
    else if (letter === '?') source += '[^/]';
    else if (letter === '[' && glob.includes(']', i)) {
      const end = glob.indexOf(']', i);
      source += `[${glob
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replaceAll('\\', '\\\\')}]`;
      i = end;
    } else if (letter === '{') {
      source += '(?:';
      inBraces++;
    } else if (letter === '}' && inBraces > 0) {
      source += ')';
      inBraces--;
    } else if (letter === ',' && inBraces > 0) source += '|';
    else source += letter.replace(/[\\^$.|+()[\]{}]/, '\\$&');
  }
  return new RegExp(`^${source}${')'.repeat(inBraces)}$`);
}

/** The folder under which all that a pattern can match must lie. */
export const fixedPart = (glob: string): string => glob.slice(0, glob.search(/[*?{[]/)).replace(/[^/]*$/, '');
