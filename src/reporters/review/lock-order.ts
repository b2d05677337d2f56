/** The order of locks in words, in the form of Documentation/virt/kvm/locking.rst: a line for each pair, and then the leaves. */
import type { Block } from '../../document/document.ts';
import type { LockOrder, OrderEdge } from '../../review/lock-order.ts';
import { listed } from '../layout.ts';
import type { PlaceOf } from '../places.ts';
import { bullets, paragraph } from './as-before.ts';
import { drawLockOrder } from './lock-graph-svg.ts';
import { address, at, calls, code } from './spell.ts';

/** Orders of variants that came before, in their order: the first is that which a change is told against. */
export type Before = ReadonlyMap<string, LockOrder>;

export function lockOrderBlocks(variant: string, order: LockOrder, before: Before, placeOf: PlaceOf): readonly Block[] {
  const same = [...before].find(([, other]) => keysIn(other) === keysIn(order));
  if (same !== undefined) return [paragraph(`As in ${code(same[0])}.`)];
  const { edges, cycles, leaves, unordered } = order;
  return [
    ...(edges.length === 0 ? [paragraph('No lock is taken inside of another.')] : []),
    ...bullets([...edges.map((edge) => pairText(edge, before, placeOf)), ...gone(order, before)]),
    ...cycles.map((cycle) => paragraph(cycleText(cycle))),
    ...(leaves.length === 0 || edges.length === 0 ? [] : [paragraph(leavesText(leaves))]),
    ...(unordered.length === 0
      ? []
      : [paragraph(`The kernel tells lockdep to keep no order of ${listed(unordered.map(address))}, and so none is kept here.`)]),
    ...(edges.length === 0 ? [] : [figureOf(variant, order)]),
  ];
}

const figureOf = (variant: string, order: LockOrder): Block => ({
  kind: 'figure',
  alt: `The locks of ${code(variant)}, each below those that it is taken inside of`,
  svg: drawLockOrder(order),
  lines: lockTree(order),
});

const keyOf = ({ outer, inner }: OrderEdge): string => `${outer} ${inner}`;
const keysIn = ({ edges }: LockOrder): string => edges.map(keyOf).join();
const plain = (lock: string): string => lock.replace(/\/\d+$/, '');

/** The order is not so, although both locks are taken. */
const isOtherwise = ({ locks, edges }: LockOrder, edge: OrderEdge): boolean =>
  locks.includes(plain(edge.outer)) && locks.includes(plain(edge.inner)) && !edges.some((other) => keyOf(other) === keyOf(edge));

function pairText(edge: OrderEdge, before: Before, placeOf: PlaceOf): string {
  const { outer, inner, sites } = edge;
  const [site] = sites;
  const where = `${calls(sites.map((each) => each.function))}${sites.length === 1 && site ? at(site.place, placeOf) : ''}`;
  const [base] = before;
  const isNew = base !== undefined && isOtherwise(base[1], edge) ? `; not so in ${code(base[0])}` : '';
  return `${address(outer)} is taken outside ${address(inner)}: in ${where}${isNew}.`;
}

function gone(order: LockOrder, before: Before): readonly string[] {
  const [base] = before;
  if (base === undefined) return [];
  const [variant, { edges }] = base;
  return edges
    .filter((edge) => isOtherwise(order, edge))
    .map(({ outer, inner }) => `${address(outer)} is taken outside ${address(inner)} only in ${code(variant)}.`);
}

/** Each lock with those that are taken inside of it, one step further in; what stands above is not told again. */
export function lockTree({ edges }: Pick<LockOrder, 'edges'>): readonly string[] {
  const told = new Set<string>();
  const lines: string[] = [];
  const tell = (lock: string, above: readonly string[]): void => {
    const inner = edges.filter((edge) => edge.outer === lock).map((edge) => edge.inner);
    const isAgain = above.includes(lock);
    const note = isAgain ? '  (a circle)' : told.has(lock) && inner.length > 0 ? '  (see above)' : '';
    lines.push(`${'  '.repeat(above.length + 1)}${lock}${note}`);
    if (note !== '') return;
    told.add(lock);
    for (const next of inner) tell(next, [...above, lock]);
  };
  const roots = edges.map(({ outer }) => outer).filter((lock) => !edges.some(({ inner }) => inner === lock));
  for (const lock of new Set([...roots, ...edges.map(({ outer }) => outer)])) if (!told.has(lock)) tell(lock, []);
  return lines;
}

function cycleText(cycle: readonly string[]): string {
  const [first = ''] = cycle;
  if (cycle.length === 1)
    return `${address(first)} is taken while another of its class is held, and no subclass tells them apart.`;
  return `A circle: ${[...cycle, first].map(address).join(', then ')}. Whether threads can come to wait for each other there is said by the finding of kind lock-order.`;
}

const leavesText = (leaves: readonly string[]): string =>
  `Leaves, inside of which no other lock is taken: ${listed(leaves.map(address))}.`;

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
