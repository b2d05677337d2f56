/** What a part holds for others, read from its context: how many references, which entries, which numbers. */
import type { Json } from '../../machines/object.ts';
import type { Condition } from './trace.ts';

export type Stock =
  | { readonly kind: 'count'; readonly count: number; readonly says: string }
  /** An entry of a list, a number of an idr: each is told from the others. */
  | { readonly kind: 'items'; readonly items: readonly string[] };

/** Beyond this a counter is poisoned, and the name of its state says more than the number. */
const SANE = 1 << 24;

/** A counter has one number; a list or an idr has the things themselves. Null for what holds neither. */
export function stockOf({ context, state }: Condition): Stock | null {
  const values = Object.values(context);
  const numbers = values.filter((value) => typeof value === 'number');
  const [count] = numbers;
  if (count !== undefined && numbers.length === 1)
    return { kind: 'count', count, says: Math.abs(count) < SANE ? String(count) : state };
  const held = values.find((value) => typeof value === 'object' && value !== null);
  const items = held === undefined || Object.hasOwn(held, 'at') ? null : itemsOf(held);
  return items === null ? null : { kind: 'items', items };
}

function itemsOf(held: Json): readonly string[] | null {
  if (Array.isArray(held)) return held.every((item) => ['string', 'number'].includes(typeof item)) ? held.map(String) : null;
  return Object.keys(held as object);
}
