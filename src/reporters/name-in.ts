/** The object that a reply or an argument names, without the thread of a pool slot; null where it is another value. */
import type { Json } from '../../machines/object.ts';
import { plainName } from '../model/names.ts';

export function nameIn(value: Json): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const { at } = value as { readonly at?: Json };
  return typeof at === 'string' ? plainName(at) : null;
}
