/** The order of locks in words, in the form of Documentation/virt/kvm/locking.rst: a line for each pair, and then the leaves. */
import type { Block } from '../../document/document.ts';
import type { LockOrder, OrderEdge } from '../../review/lock-order.ts';
import { listed } from '../layout.ts';
import type { PlaceOf } from '../places.ts';
import { bullets, paragraph } from './as-before.ts';
import { drawLockOrder } from './lock-graph-svg.ts';
import { address, at, calls, code } from './spell.ts';

/** Of another variant, whose order this one is compared with. */
export interface Base {
  readonly variant: string;
  readonly order: LockOrder;
}

export function lockOrderBlocks(variant: string, order: LockOrder, base: Base | null, placeOf: PlaceOf): readonly Block[] {
  if (base !== null && sameOrder(order, base.order)) return [paragraph(`As in ${code(base.variant)}.`)];
  const figure: Block = {
    kind: 'figure',
    alt: `Order of the locks in ${code(variant)}, the outer ones on top`,
    svg: drawLockOrder(order),
    lines: order.edges.map(({ outer, inner }) => `  ${outer}  ->  ${inner}`),
  };
  return [
    ...(order.edges.length === 0 ? [paragraph('No lock is taken inside of another.')] : []),
    ...bullets(order.edges.map((edge) => pairText(edge, base, placeOf))),
    ...bullets(gone(order, base)),
    ...order.cycles.map((cycle) => paragraph(cycleText(cycle))),
    ...(order.leaves.length === 0 || order.edges.length === 0 ? [] : [paragraph(leavesText(order.leaves))]),
    ...(order.unordered.length === 0
      ? []
      : [paragraph(`Of ${listed(order.unordered.map(address))} lockdep keeps no order, and neither does this.`)]),
    ...(order.edges.length === 0 ? [] : [figure]),
  ];
}

const keyOf = ({ outer, inner }: OrderEdge): string => `${outer} ${inner}`;
const keysOf = ({ edges }: LockOrder): readonly string[] => edges.map(keyOf);

const sameOrder = (one: LockOrder, other: LockOrder): boolean => keysOf(one).join() === keysOf(other).join();

/** Only orders of the same locks can be compared. */
const shares = (order: LockOrder, base: LockOrder): boolean => keysOf(order).some((key) => keysOf(base).includes(key));

function pairText(edge: OrderEdge, base: Base | null, placeOf: PlaceOf): string {
  const { outer, inner, sites } = edge;
  const [site] = sites;
  const where = `${calls(sites.map((each) => each.function))}${sites.length === 1 && site ? at(site.place, placeOf) : ''}`;
  const isNew = base !== null && !keysOf(base.order).includes(keyOf(edge));
  return `${address(outer)} is taken outside ${address(inner)}: in ${where}${isNew ? ` (not so in ${code(base.variant)})` : ''}.`;
}

function gone(order: LockOrder, base: Base | null): readonly string[] {
  if (base === null || !shares(order, base.order)) return [];
  return base.order.edges
    .filter((edge) => !keysOf(order).includes(keyOf(edge)))
    .map(({ outer, inner }) => `Only in ${code(base.variant)} is ${address(outer)} taken outside ${address(inner)}.`);
}

function cycleText(cycle: readonly string[]): string {
  const [first = ''] = cycle;
  if (cycle.length === 1) return `${address(first)} is taken while another of its class is held, and no subclass tells them apart.`;
  return `A circle: ${[...cycle, first].map(address).join(', then ')}. Whether threads can come to wait for each other there is said by the finding of kind lock-order.`;
}

const leavesText = (leaves: readonly string[]): string =>
  leaves.length === 1
    ? `Everything else is a leaf, inside of which no other lock is taken: ${address(leaves[0] as string)}.`
    : `Everything else is a leaf, inside of which no other lock is taken: ${listed(leaves.map(address))}.`;

/** As the field `:Order:` of a lock's entry; null where it stands alone. */
export function orderClause(lock: string, { edges }: LockOrder): string | null {
  const names = (wanted: readonly string[]) => listed([...new Set(wanted)].toSorted());
  const inner = edges.filter((edge) => edge.outer === lock).map((edge) => edge.inner);
  const outer = edges.filter((edge) => edge.inner === lock).map((edge) => edge.outer);
  const said = [
    ...(inner.length === 0 ? [] : [`outside ${names(inner)}`]),
    ...(outer.length === 0 ? [] : [`inside ${names(outer)}`]),
  ];
  return said.length === 0 ? null : said.join(', ');
}
