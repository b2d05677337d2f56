/** Which lock is taken inside of which, by class, with the places where that is done. */
import { cyclesIn, recursionsIn } from '../locks/lock-cycles.ts';
import { type LockEdge, lockEdges } from '../locks/lock-edges.ts';
import type { LockStep, Observed } from './accesses.ts';
import { groupBy, unique } from './group.ts';
import type { PlacedCall } from './lock-facts.ts';
import { inSourceOrder, placeKey } from './site.ts';

export interface OrderEdge {
  /** The lock that is held: it is taken outside of the other. */
  readonly outer: string;
  readonly inner: string;
  readonly sites: readonly PlacedCall[];
  readonly threads: readonly string[];
}

export interface LockOrder {
  /** All that are taken. */
  readonly locks: readonly string[];
  readonly edges: readonly OrderEdge[];
  /** Chains of locks of which each is taken inside of the one before, and the first inside of the last. */
  readonly cycles: readonly (readonly string[])[];
  /** Locks inside of which no other is taken. */
  readonly leaves: readonly string[];
  /** Locks of which the kernel is told to keep no order. */
  readonly unordered: readonly string[];
}

export function lockOrder(observed: Observed): LockOrder {
  const { explored, visits, acquires } = observed;
  const edges = lockEdges(explored.program, visits.positions);
  const spell = spellerOf(observed);
  const spelled = [...groupBy(edges, (edge) => `${spell(edge, 'from')} ${spell(edge, 'to')}`).values()];
  const order = spelled.map((same) => orderEdge(observed, same, spell)).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const unordered = unique(acquires.filter((step) => isUnordered(observed, step)).map(({ lock }) => lock.class)).toSorted();
  const outer = new Set(order.map((edge) => edge.outer.replace(NESTED, '')));
  const locks = unique(acquires.map(({ lock }) => lock.class)).toSorted();
  return {
    locks,
    edges: order,
    cycles: [
      ...recursionsIn(edges).map(({ edges: [edge] }) => [spell(edge, 'from')]),
      ...cyclesIn(edges).map((cycle) => cycle.map(({ edges: [edge] }) => spell(edge, 'from'))),
    ],
    leaves: locks.filter((lock) => !outer.has(lock) && !unordered.includes(lock)),
    unordered,
  };
}

type Speller = (edge: LockEdge, end: 'from' | 'to') => string;
const NESTED = /\/\d+$/;

/** A subclass is a class beside that of the lock: `group->lock/1`. */
function spellerOf({ locks }: Observed): Speller {
  return (edge, end) => {
    const [attempt] = edge.attempts;
    const path = (end === 'from' ? attempt?.holds : attempt?.takes) ?? '';
    return `${locks.get(path)?.class ?? path}${NESTED.exec(edge[end].key)?.[0] ?? ''}`;
  };
}

const keyOf = ({ outer, inner }: OrderEdge): string => `${outer} ${inner}`;

function orderEdge({ siteOf, explored }: Observed, same: readonly [LockEdge, ...LockEdge[]], spell: Speller): OrderEdge {
  const positions = unique(same.flatMap(({ attempts }) => attempts.map(({ position }) => position)));
  const sites = groupBy(positions.map(siteOf), placeKey);
  return {
    outer: spell(same[0], 'from'),
    inner: spell(same[0], 'to'),
    sites: [...sites.values()]
      .map(([{ function: name, event, place }]) => ({ function: name, event, place }))
      .toSorted(inSourceOrder),
    threads: explored.program.world.threads
      .filter((_, index) => positions.some(({ thread }) => thread === index))
      .map(({ name }) => name),
  };
}

const isUnordered = ({ explored }: Observed, { lock }: LockStep): boolean =>
  explored.program.world.slots.some(({ path, part }) => path === lock.path && part.novalidate);
