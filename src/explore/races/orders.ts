/**
 * What synchronisation a step takes part in, as its meanings and its replies say.
 *
 * An acquire comes after the releases whose value it may have read: those to its object from the last store on, for what
 * reads and writes at once hands on what it has found, and a store does not. Documentation/atomic_t.txt, memory-barriers.txt
 * and tools/memory-model say so of the kernel; the rest of that model is not here. A full barrier counts as a release and
 * an acquire of its own object, and not for what marked accesses to others would order with it.
 */
import type { Meaning, Orders } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import { NULL_NAME } from '../../../machines/object.ts';

/** What the access orders, given what its step was answered; null where that is the answer of another object. */
export function ordersOf(means: Meaning, reply: Json): Orders {
  const { orders } = means;
  if (typeof orders === 'string') return orders;
  if (orders !== undefined) return orders[String(reply)] ?? 'nothing';
  switch (means.kind) {
    case 'release':
    case 'signal':
      return 'release';
    case 'acquire':
    case 'wait':
      return means.try === true && reply === false ? 'nothing' : 'acquire';
    case 'put':
      return reply === true ? 'both' : 'release';
    default:
      return 'nothing';
  }
}

/** The object to which a pointer leads that the access has read; null if it has read none. */
export function pointedAt(reply: Json): string | null {
  if (typeof reply !== 'object' || reply === null || !('at' in reply)) return null;
  return typeof reply.at === 'string' && reply.at !== NULL_NAME.at ? reply.at : null;
}
