/**
 * Where the locks of an order stand in a drawing: in layers, each lock below those that it is taken inside of. An edge that
 * passes a layer has a place of its own in it, so that it goes round what stands there.
 */
import type { LockOrder } from '../../review/lock-order.ts';

export interface Node {
  readonly name: string;
  readonly layer: number;
  /** From the left, within its layer. */
  readonly column: number;
  /** Where an edge passes the layer: nothing is drawn there. */
  readonly isPassage: boolean;
}

export interface Line {
  readonly outer: string;
  readonly inner: string;
  /** The nodes that it goes through, from the outer lock to the inner. */
  readonly through: readonly Node[];
  /** It goes against the order that the others make: one of a circle. */
  readonly back: boolean;
}

export interface Drawing {
  readonly layers: readonly (readonly Node[])[];
  readonly lines: readonly Line[];
}

export function arrange({ edges }: Pick<LockOrder, 'edges'>): Drawing {
  const pairs = edges.map(({ outer, inner }) => [outer, inner] as const);
  const names = [...new Set(pairs.flat())].toSorted();
  const back = backEdges(names, pairs);
  const forward = pairs.filter((pair) => !back.has(pair));
  const layerOf = layersOf(names, forward);
  const chains = forward.map(([outer, inner]) => chainOf(outer, inner, layerOf));
  const rows = sorted(names, layerOf, chains);
  const layers = rows.map((row, layer) =>
    row.map((name, column): Node => ({ name, layer, column, isPassage: !names.includes(name) })),
  );
  const nodeAt = new Map(layers.flat().map((node) => [node.name, node]));
  const through = (chain: readonly string[]) => chain.flatMap((name) => nodeAt.get(name) ?? []);
  return {
    layers,
    lines: [
      ...forward.map(([outer, inner], i) => ({ outer, inner, through: through(chains[i] ?? []), back: false })),
      ...[...back].map(([outer, inner]) => ({ outer, inner, through: through([outer, inner]), back: true })),
    ],
  };
}

type Pair = readonly [outer: string, inner: string];

/** Edges that lead back to a lock that the walk is still below of, in the order of the alphabet. */
function backEdges(names: readonly string[], pairs: readonly Pair[]): ReadonlySet<Pair> {
  const back = new Set<Pair>();
  const done = new Set<string>();
  const walk = (name: string, above: readonly string[]): void => {
    if (done.has(name)) return;
    for (const pair of pairs.filter(([outer]) => outer === name)) {
      if (pair[1] === name || above.includes(pair[1])) back.add(pair);
      else walk(pair[1], [...above, name]);
    }
    done.add(name);
  };
  for (const name of names) walk(name, []);
  return back;
}

/** The longest way down to it. */
function layersOf(names: readonly string[], forward: readonly Pair[]): ReadonlyMap<string, number> {
  const known = new Map<string, number>();
  const layerOf = (name: string): number => {
    let layer = known.get(name);
    if (layer === undefined) {
      const above = forward.filter(([, inner]) => inner === name).map(([outer]) => layerOf(outer) + 1);
      known.set(name, (layer = Math.max(0, ...above)));
    }
    return layer;
  };
  for (const name of names) layerOf(name);
  return known;
}

/** The names of the nodes from one to the other, with a passage in each layer between them. */
function chainOf(outer: string, inner: string, layerOf: ReadonlyMap<string, number>): readonly string[] {
  const [from, to] = [layerOf.get(outer) ?? 0, layerOf.get(inner) ?? 0];
  const passages = Array.from({ length: to - from - 1 }, (_, i) => `${outer} -> ${inner} ${from + i + 1}`);
  return [outer, ...passages, inner];
}

/** Each node as near as can be to the middle of those above it, and else by the alphabet. */
function sorted(
  names: readonly string[],
  layerOf: ReadonlyMap<string, number>,
  chains: readonly (readonly string[])[],
): readonly (readonly string[])[] {
  const rows: string[][] = [];
  for (const name of names) (rows[layerOf.get(name) ?? 0] ??= []).push(name);
  for (const chain of chains)
    for (const [i, name] of chain.slice(1, -1).entries())
      (rows[(layerOf.get(chain[0] as string) ?? 0) + i + 1] ??= []).push(name);
  for (const [layer, row] of rows.entries()) {
    const above = rows[layer - 1] ?? [];
    const middle = (name: string): number => {
      const columns = chains.flatMap((chain) => {
        const at = chain.indexOf(name);
        return at > 0 ? [above.indexOf(chain[at - 1] as string)] : [];
      });
      return columns.length === 0 ? above.length : columns.reduce((sum, column) => sum + column, 0) / columns.length;
    };
    const weights = new Map(row.map((name) => [name, middle(name)]));
    row.sort((a, b) => (weights.get(a) ?? 0) - (weights.get(b) ?? 0) || (a < b ? -1 : 1));
  }
  return rows;
}
