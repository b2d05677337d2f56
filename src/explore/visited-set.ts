/**
 * An exact set of state vectors, compressed as a tree: each vector is a pair of halves, each half a pair of its halves,
 * and every pair is kept once. As a step changes few places, most pairs are known already, and a state costs little
 * more than the pair at its root. (The idea is that of the tree compression of LTSmin, Laarman et al., SPIN 2011.)
 */
import { InnerPairs } from './inner-pairs.ts';
import { Pairs } from './pairs.ts';

export type Groups = readonly (readonly number[])[];

/** Keeps pairs, each once, under a number. */
interface Store {
  readonly bytes: number;
  find(left: number, right: number): number;
  left(number: number): number;
  right(number: number): number;
}

/** Where the tree keeps what it is made of. */
export interface Stores {
  readonly inner: Store & { add(left: number, right: number): number };
  /** `add` gives the complement of the number where the pair is new. */
  readonly roots: Store & { readonly size: number; readonly limit: number; add(left: number, right: number): number };
}

/** A vector has at least two places. */
export class VisitedSet {
  private readonly width: number;
  /** The root is node 1, a pair node 2 to width - 1, a leaf node width and above: each above those that it is part of. */
  private readonly left: Int32Array;
  private readonly right: Int32Array;
  private readonly above: Int32Array;
  /** Which leaf holds a place, and the other way round. */
  private readonly leafOf: Int32Array;
  private readonly placeOf: Int32Array;
  private readonly inner: Stores['inner'];
  private readonly roots: Stores['roots'];
  /** The nodes of the vector that was got last, and room for those of another. */
  private readonly nodes: Int32Array;
  private readonly others: Int32Array;
  /** The nodes that are to be made anew, from the greatest to the least, and what stood in those that were. */
  private readonly dirty: Int32Array;
  private readonly undone: Int32Array;

  /** @param groups all places, in groups that change together */
  constructor(
    width: number,
    groups: Groups = Array.from({ length: width }, (_, place) => [place]),
    { inner, roots }: Stores = { inner: new InnerPairs(), roots: new Pairs() },
  ) {
    this.width = width;
    this.inner = inner;
    this.roots = roots;
    this.leafOf = new Int32Array(width);
    this.placeOf = new Int32Array(2 * width);
    this.nodes = new Int32Array(2 * width);
    this.others = new Int32Array(2 * width);
    this.dirty = new Int32Array(width + 1);
    this.undone = new Int32Array(4 * width);
    this.left = new Int32Array(width);
    this.right = new Int32Array(width);
    this.above = new Int32Array(2 * width);
    this.build(groups);
  }

  /** Level by level, each range of groups in two halves, and then the places of a group. */
  private build(groups: Groups): void {
    const { left, right, above, leafOf, placeOf } = this;
    let pairs = 1;
    let leaves = this.width;
    const nodeFor = (part: Groups, parent: number): number => {
      const [only] = part;
      const range = part.length === 1 && only !== undefined ? only.map((place) => [place]) : part;
      const node = range.length > 1 ? ++pairs : leaves++;
      above[node] = parent;
      if (range.length > 1) ranges.push({ node, range });
      else {
        const place = range[0]?.[0] as number;
        leafOf[place] = node;
        placeOf[node] = place;
      }
      return node;
    };
    const ranges = [{ node: 1, range: groups.length > 1 ? groups : (groups[0] ?? []).map((place) => [place]) }];
    for (const { node, range } of ranges) {
      const half = range.length >> 1;
      left[node] = nodeFor(range.slice(0, half), node);
      right[node] = nodeFor(range.slice(half), node);
    }
  }

  get size(): number {
    return this.roots.size;
  }

  /** All ids are below: the length that an array by id must have. */
  get idLimit(): number {
    return this.roots.limit;
  }

  /** @returns the id of the vector, or its complement (`~id`) if it was not there before */
  add(vector: Int32Array): number {
    const { others, left, right } = this;
    this.seat(vector, true);
    return this.roots.add(others[left[1] as number] as number, others[right[1] as number] as number);
  }

  /** As `add`, for the vector that was got last, after the given places of it have changed. */
  addBeside(vector: Int32Array, places: Int32Array, count: number): number {
    const { nodes, dirty, undone, inner, leafOf, left, right, above } = this;
    let changes = 0;
    let length = 0;
    for (let i = 0; i < count; i++) {
      const place = places[i] as number;
      const leaf = leafOf[place] as number;
      undone[changes++] = leaf;
      undone[changes++] = nodes[leaf] as number;
      nodes[leaf] = vector[place] as number;
      length = enlist(dirty, length, above[leaf] as number);
    }
    // Below a node there are greater ones only: the greatest has all that it is made of.
    while (length > 0) {
      const node = dirty[--length] as number;
      if (node === 1) break;
      const number = inner.add(nodes[left[node] as number] as number, nodes[right[node] as number] as number);
      if (nodes[node] === number) continue;
      undone[changes++] = node;
      undone[changes++] = nodes[node] as number;
      nodes[node] = number;
      length = enlist(dirty, length, above[node] as number);
    }
    const id = this.roots.add(nodes[left[1] as number] as number, nodes[right[1] as number] as number);
    while (changes > 0) {
      const before = undone[--changes] as number;
      nodes[undone[--changes] as number] = before;
    }
    return id;
  }

  /** @returns the id of the vector, or -1 */
  idOf(vector: Int32Array): number {
    const { others, left, right } = this;
    if (!this.seat(vector, false)) return -1;
    return this.roots.find(others[left[1] as number] as number, others[right[1] as number] as number);
  }

  get(id: number, into: Int32Array): void {
    const { nodes, inner, width, placeOf, left, right } = this;
    nodes[left[1] as number] = this.roots.left(id);
    nodes[right[1] as number] = this.roots.right(id);
    for (let node = 2; node < width; node++) {
      const pair = nodes[node] as number;
      nodes[left[node] as number] = inner.left(pair);
      nodes[right[node] as number] = inner.right(pair);
    }
    for (let leaf = width; leaf < 2 * width; leaf++) into[placeOf[leaf] as number] = nodes[leaf] as number;
  }

  get bytes(): number {
    return this.roots.bytes + this.inner.bytes;
  }

  /** Fills in the nodes of another vector. @returns false where one is not known, and is not to be added either */
  private seat(vector: Int32Array, adds: boolean): boolean {
    const { width, leafOf, inner, left, right, others: nodes } = this;
    for (let place = 0; place < width; place++) nodes[leafOf[place] as number] = vector[place] as number;
    for (let node = width - 1; node > 1; node--) {
      const one = nodes[left[node] as number] as number;
      const other = nodes[right[node] as number] as number;
      const pair = adds ? inner.add(one, other) : inner.find(one, other);
      if (pair < 0) return false;
      nodes[node] = pair;
    }
    return true;
  }
}

/** Into an ascending list without repetition. @returns its new length */
function enlist(list: Int32Array, length: number, node: number): number {
  let at = length;
  while (at > 0 && (list[at - 1] as number) > node) at--;
  if (at > 0 && list[at - 1] === node) return length;
  for (let i = length; i > at; i--) list[i] = list[i - 1] as number;
  list[at] = node;
  return length + 1;
}
