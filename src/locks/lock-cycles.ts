/**
 * Circles among the edges: a chain of locks of which each is asked for while the one before it is held, back to the first.
 *
 * As in lockdep (Documentation/locking/lockdep-design.rst, "Recursive read locks"), a reader that may nest is not held up by
 * another reader: an edge to such a reader, followed by an edge from a lock that is held for reading, is no chain.
 */
import type { LockClass } from './lock-class.ts';
import type { LockEdge } from './lock-edges.ts';

/** From one class to the next there may be several edges, which differ in their modes. */
export interface Link {
  readonly edges: readonly [LockEdge, ...LockEdge[]];
}

export type Cycle = readonly Link[];

type Graph = ReadonlyMap<string, ReadonlyMap<string, readonly LockEdge[]>>;

/**
 * Each circle once, beginning with the class that comes first in the alphabet. One that has the classes of another, and
 * more, says nothing new and is left out.
 */
export function cyclesIn(edges: readonly LockEdge[]): readonly Cycle[] {
  const graph = graphOf(edges);
  const classes = [...new Set(edges.flatMap(({ from, to }) => [from.key, to.key]))].toSorted();
  const found: { readonly classes: readonly string[]; readonly cycle: Cycle }[] = [];
  const isNothingNew = (path: readonly string[]) => found.some((known) => known.classes.every((key) => path.includes(key)));
  let paths = classes.map((key) => [key]);
  while (paths.length > 0) {
    const longer: string[][] = [];
    const closed: { readonly classes: string[]; readonly cycle: Cycle }[] = [];
    for (const path of paths) {
      const [first, last] = [path[0] as string, path.at(-1) as string];
      for (const next of graph.get(last)?.keys() ?? []) {
        if (next === first && path.length > 1) {
          const cycle = strong(graph, path);
          if (cycle !== null && !isNothingNew(path)) closed.push({ classes: path, cycle });
        } else if (next > first && !path.includes(next)) longer.push([...path, next]);
      }
    }
    found.push(...closed);
    paths = longer.filter((path) => !isNothingNew(path));
  }
  return found.map(({ cycle }) => cycle);
}

/** A lock is asked for while another of its class is held, and no subclass tells them apart. */
export function recursionsIn(edges: readonly LockEdge[]): readonly Link[] {
  const own = edges.filter(({ from, to }) => from.key === to.key);
  return [...new Set(own.map(({ from }) => from.key))].flatMap((key) => linkOf(own.filter(({ from }) => from.key === key)));
}

/** Edges between locks of that class of which a subclass tells one: they may close a circle of the instances. */
export function subclassedWith({ edges: [{ from }] }: Link, edges: readonly LockEdge[]): readonly Link[] {
  const isOfIt = ({ key }: LockClass) => key.replace(/\/\d+$/, '') === from.key.replace(/\/\d+$/, '');
  const others = edges.filter((edge) => edge.from.key !== edge.to.key && isOfIt(edge.from) && isOfIt(edge.to));
  return others.flatMap((edge) => linkOf([edge]));
}

const linkOf = ([first, ...others]: readonly LockEdge[]): readonly Link[] =>
  first === undefined ? [] : [{ edges: [first, ...others] }];

function graphOf(edges: readonly LockEdge[]): Graph {
  const graph = new Map<string, Map<string, LockEdge[]>>();
  for (const edge of edges) {
    if (edge.from.key === edge.to.key) continue;
    const row = graph.get(edge.from.key) ?? new Map<string, LockEdge[]>();
    graph.set(edge.from.key, row);
    row.set(edge.to.key, [...(row.get(edge.to.key) ?? []), edge]);
  }
  return graph;
}

const follows = (one: LockEdge, next: LockEdge): boolean => !(one.recursive && next.holdsShared);

/** Along the path and back, the edges that are part of some strong circle; null if there is none. */
function strong(graph: Graph, path: readonly string[]): Cycle | null {
  const links = path.map((key, i) => graph.get(key)?.get(path[(i + 1) % path.length] as string) ?? []);
  const used = links.map(() => new Set<LockEdge>());
  const walk = (chosen: readonly LockEdge[]): void => {
    const [first, last] = [chosen[0], chosen.at(-1)];
    if (chosen.length === links.length) {
      if (first !== undefined && last !== undefined && follows(last, first))
        for (const [i, edge] of chosen.entries()) used[i]?.add(edge);
      return;
    }
    for (const edge of links[chosen.length] as readonly LockEdge[])
      if (last === undefined || follows(last, edge)) walk([...chosen, edge]);
  };
  walk([]);
  const cycle = used.flatMap((edges) => linkOf([...edges]));
  return cycle.length === links.length ? cycle : null;
}
