/**
 * What synchronisation a step takes part in, as its meanings and its replies say.
 *
 * An acquire comes after the releases whose value it may have read: those to its object from the last store on, for what
 * reads and writes at once hands on what it has found, and a store does not. Documentation/atomic_t.txt, memory-barriers.txt
 * and tools/memory-model say so of the kernel; the rest of that model is not here. A full barrier counts as a release and
 * an acquire of its own object, and not for what marked accesses to others would order with it.
 */
import type { Meaning, Orders } from '../../../actors/step.ts';
import { type Json, type Name, NULL_NAME } from '../../../machines/object.ts';

/** What the access orders, given what its step was answered; null where that is the answer of another object. */
export function ordersOf({ kind, orders, try: isTry }: Meaning, reply: Json): Orders {
  if (typeof orders === 'string') return orders;
  if (orders !== undefined) return orders[JSON.stringify(reply)] ?? 'nothing';
  if (kind === 'release' || kind === 'signal') return 'release';
  if (kind === 'acquire' || kind === 'wait') return isTry === true && reply === false ? 'nothing' : 'acquire';
  if (kind === 'put') return reply === true ? 'both' : 'release';
  return 'nothing';
}

/** The object to which a pointer leads that the access has read; null if it has read none. */
export const pointedAt = (reply: Json): string | null => (isName(reply) && reply.at !== NULL_NAME.at ? reply.at : null);

const isName = (value: Json): value is Json & Name =>
  typeof value === 'object' && value !== null && typeof (value as { readonly at?: unknown }).at === 'string';
