/** One edit, on the lines of a function. */
import type { Message } from '../../../actors/step.ts';
import type { Edit, Hold } from '../../model/edit.ts';
import type { Sites } from '../sites.ts';

export interface Line {
  /** Of the statement; null for the name of a function that is called. */
  readonly key: string | null;
  readonly sign: ' ' | '-' | '+';
  readonly depth: number;
  readonly text: string;
  /** What a lock or its release is of. */
  readonly object: string | null;
  readonly does: 'acquire' | 'release' | null;
}

export function patched(lines: readonly Line[], edit: Edit, sites: Sites): readonly Line[] {
  const added = (message: Message, key: string | null = null): Line => added_(sites.spell(message), key);
  switch (edit.kind) {
    case 'drop':
      return lines.map((line) => (isAt(line, edit.at) ? without(line) : line));
    case 'delay':
    case 'hasten': {
      const at = lines.find((line) => isAt(line, [edit.at]));
      const beside = edit.kind === 'delay' ? edit.past : [edit.before];
      const from = edit.kind === 'delay' ? lines.findIndex((line) => isAt(line, [edit.at])) : -1;
      const to = lines.findIndex((line, i) => i > from && isAt(line, beside));
      if (at === undefined || to < 0) return lines;
      return lines.flatMap((line, i) => {
        const moved = { ...at, sign: '+' } as const;
        const own = line === at ? without(line) : line;
        if (i !== to) return [own];
        return edit.kind === 'delay' ? [own, moved] : [moved, own];
      });
    }
    case 'insert': {
      const place = edit.at.slice(edit.at.lastIndexOf('@'));
      const check = edit.only === undefined ? [] : [added(edit.only.if, `${edit.only.if.event.type}${place}`)];
      const step = added(edit.message, `${edit.message.event.type}${place}`);
      const more =
        edit.only === undefined ? [step] : [...check, { ...step, text: `if ${JSON.stringify(edit.only.replies)}: ${step.text}` }];
      return beside(lines, [edit.at], edit.where, more);
    }
    case 'replace':
      return lines.flatMap((line) => (isAt(line, [edit.at]) ? [without(line), added(edit.by)] : [line]));
    case 'hold':
      return held(lines, edit, added);
  }
}

const isAt = ({ key, sign }: Line, keys: readonly string[]): boolean => key !== null && sign !== '-' && keys.includes(key);
const without = (line: Line): Line => ({ ...line, sign: '-' });
const added_ = (text: string, key: string | null): Line => ({ key, sign: '+', depth: 1, text, object: null, does: null });

function beside(
  lines: readonly Line[],
  keys: readonly string[],
  where: 'before' | 'after',
  more: readonly Line[],
): readonly Line[] {
  const at = lines.findIndex((line) => isAt(line, keys));
  if (at < 0) return lines;
  return lines.toSpliced(where === 'before' ? at : at + 1, 0, ...more);
}

/** What the code itself does with the lock meanwhile it does no more. */
function held(lines: readonly Line[], { take, release, from, to }: Hold, added: (message: Message) => Line): readonly Line[] {
  const [{ object }] = take;
  const begin = lines.findIndex((line) => isAt(line, [from]));
  if (begin < 0) return lines;
  const found = to === null ? -1 : lines.findIndex((line, i) => i >= begin && isAt(line, [to]));
  const end = found < 0 ? lines.length - 1 : found;
  const isOwn = (line: Line, does: Line['does']) => line.object === object && line.does === does;
  return lines.flatMap((line, i) => {
    const inside = i >= begin && i <= end && line.object === object && line.does !== null ? without(line) : line;
    const first = i === begin && !isOwn(line, 'release') ? [added(take[0])] : [];
    const last = i === end && !isOwn(line, 'acquire') ? [added(release)] : [];
    return [...first, inside, ...last];
  });
}
