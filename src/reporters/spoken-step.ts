/** A step of the trace as a line of C with what it gave: `refcount_dec_and_test(&device->refcount) == true`. */
import type { Json } from '../../machines/object.ts';
import { plainName } from '../model/names.ts';
import type { TraceStep } from '../trace/trace.ts';
import { ascii, cut } from './layout.ts';
import { nameIn } from './name-in.ts';

export interface SpokenStep {
  /** The access, and what the code got from it. */
  readonly says: string;
  /** What it did to a counter: `refcount 1 -> 0`; null where there is nothing to tell. */
  readonly note: string | null;
}

export const speak = (step: TraceStep): SpokenStep => ({
  says: ascii(`${step.c}${tookWay(step)}${got(step)}`),
  note: counted(step),
});

/** The way out of a wait, where the spelling does not already end in it: `f(&x): time is up`. */
const tookWay = ({ c, way }: TraceStep): string => (way === null || /: [^()]+$/.test(c) ? '' : `  -> ${way}`);

function got({ c, reply, means, way }: TraceStep): string {
  if (reply === null || means.kind === 'choose' || way !== null) return '';
  if (typeof reply === 'boolean') return ` == ${reply}`;
  const value = spellReply(reply);
  // A bare field that is read is no assignment.
  return value === null ? '' : ` ${c.endsWith(')') ? '=' : '=='} ${value}`;
}

function spellReply(reply: Json): string | null {
  if (typeof reply === 'number') return String(reply);
  if (typeof reply === 'string') return `"${reply}"`;
  return nameIn(reply);
}

/** Beyond this a counter is poisoned, and the name of its state says more than the number. */
const SANE = 1 << 24;

function counted({ object, changes, means, c }: TraceStep): string | null {
  const change = changes.find(({ path }) => path === object);
  // Of a lock the call says it all, and of an assignment the new value does.
  if (change === undefined || means.kind === 'acquire' || means.kind === 'release' || / = /.test(c)) return null;
  const { before, after } = change;
  const numbers = Object.keys(after.context).filter((field) => {
    const [old, now] = [before.context[field], after.context[field]];
    return typeof old === 'number' && typeof now === 'number' && old !== now;
  });
  const [field] = numbers;
  if (field === undefined || numbers.length > 1) return null;
  const values = [before, after].map(({ context, state }) => {
    const n = context[field] as number;
    return Math.abs(n) < SANE ? String(n) : state;
  });
  // A machine without states has no name for it either.
  if (values.includes('{}')) return null;
  return `${plainName(object).split('.').at(-1)} ${values.join(' -> ')}`;
}

/** The same in less room: paths lose their head, then arguments their names, then the line its end. */
export function shorten(says: string, room: number): string {
  if (says.length <= room) return says;
  const fields = says.replace(/[A-Za-z_]\w*(?:(?:->|\.)\w+)*(?:->|\.)(?=\w)/g, '');
  if (fields.length <= room) return fields;
  const calls = says.replace(/\([^()]*\)/g, '(...)');
  return cut(calls.length < fields.length ? calls : fields, room);
}

/** What a call is about: the lock, the completion; in `f(&x, …)` it is `&x`, in `rcu_read_lock()` the call itself. */
export function subjectOf(c: string): string {
  const [, argument = ''] = /\(([^,()]*)/.exec(c) ?? [];
  return ascii(argument === '' ? c : argument);
}
