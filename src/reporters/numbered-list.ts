/** Rows as a numbered list, for more threads than columns fit: `12. [user] open(): refcount_inc(&device->refcount)`. */
import { cut, WIDTH, wrap } from './layout.ts';
import type { Row } from './rows.ts';
import { shorten } from './spoken-step.ts';

export function inList(rows: readonly Row[]): readonly string[] {
  const numbers = new Numbers(rows);
  /** The calls that stand open, and the one that was named last. */
  const open = new Map<string, readonly string[]>();
  const named = new Map<string, string | undefined>();
  return rows.flatMap((row): readonly string[] => {
    switch (row.kind) {
      case 'enter':
        open.set(row.thread, [...(open.get(row.thread) ?? []).slice(0, row.depth), row.says]);
        named.delete(row.thread);
        return [];
      case 'step': {
        // Without indentation nothing else shows that a call has returned.
        const innermost = open.get(row.thread)?.[row.depth - 1];
        const entered = innermost === named.get(row.thread) ? undefined : innermost;
        named.set(row.thread, innermost);
        return item(numbers.of(row), row.thread, entered, row.spoken.says, row.spoken.note);
      }
      case 'elided':
        return item(numbers.blank, row.thread, undefined, row.says, null);
      case 'stuck':
        return [...item(numbers.blank, row.thread, open.get(row.thread)?.[row.depth - 1], row.says, null), ...result(row.waits)];
      case 'wrong':
      case 'result':
        return result(row.says);
      case 'loop':
        return ['loop:'];
      case 'again':
        return [`(again from step ${row.from})`];
    }
  });
}

class Numbers {
  private readonly digits: number;

  constructor(rows: readonly Row[]) {
    const last = rows.findLast((row) => row.kind === 'step');
    this.digits = last?.kind === 'step' ? String(last.step.index).length : 1;
  }

  get blank(): string {
    return ' '.repeat(this.digits + 4);
  }

  of({ step, marked }: Extract<Row, { kind: 'step' }>): string {
    return `${marked ? '*' : ' '}${String(step.index).padStart(this.digits + 1)}. `;
  }
}

/** The function that was entered stands before the step, or above it where there is no room. */
function item(margin: string, thread: string, entered: string | undefined, says: string, note: string | null): readonly string[] {
  const begin = `${margin}[${thread}] `;
  const room = WIDTH - begin.length;
  const whole = note === null ? says : `${says}  ${note}`;
  const isLong = whole.length > room;
  const step = isLong ? [shorten(says, room), ...(note === null ? [] : wrap(note, '', '', room))] : [whole];
  const [first = '', ...more] =
    entered === undefined
      ? step
      : !isLong && entered.length + 2 + whole.length <= room
        ? [`${entered}: ${whole}`]
        : [cut(`${entered}:`, room), ...step];
  return [`${begin}${first}`, ...more.map((line) => `${' '.repeat(begin.length)}${line}`)];
}

const result = (says: string): readonly string[] => (says === '' ? [] : wrap(`=> ${says}`, ' ', '    '));
