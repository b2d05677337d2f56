/** The order in which the threads of two designs take locks: the edges that one design has and the other has not. */
import { lockEdges, sitesOf } from '../locks/lock-edges.ts';
import type { Side } from './side.ts';

/** Who holds the first lock takes the second; both by class, with how they are held if that is not exclusively. */
export interface LockEdge {
  readonly from: string;
  readonly to: string;
  /** The functions in which the second is taken. */
  readonly functions: readonly string[];
}

export interface LockEdgeDiff {
  readonly only: readonly [a: readonly LockEdge[], b: readonly LockEdge[]];
  readonly both: number;
}

export function compareLockEdges(a: Side, b: Side): LockEdgeDiff {
  const [inA, inB] = [edgesOf(a), edgesOf(b)];
  const missingIn = (others: readonly LockEdge[]) => (edge: LockEdge) =>
    !others.some(({ from, to }) => from === edge.from && to === edge.to);
  const onlyA = inA.filter(missingIn(inB));
  return { only: [onlyA, inB.filter(missingIn(inA))], both: inA.length - onlyA.length };
}

function edgesOf({ program, searched }: Side): readonly LockEdge[] {
  const edges = new Map<string, { readonly from: string; readonly to: string; readonly functions: Set<string> }>();
  for (const edge of lockEdges(program, positionsMet(searched))) {
    const from = classOf(edge.from.key, edge.holdsShared);
    const to = classOf(edge.to.key, edge.takesShared);
    const known = edges.get(`${from} ${to}`) ?? { from, to, functions: new Set<string>() };
    edges.set(`${from} ${to}`, known);
    for (const { functions } of sitesOf(program, edge)) known.functions.add(functions.at(-1) ?? '');
  }
  return [...edges]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { from, to, functions }]) => ({ from, to, functions: [...functions].toSorted() }));
}

/** The class as it is in any design: its name depends on what else there is. */
const classOf = (key: string, isShared: boolean): string => `${key.replace(/^struct /, '')}${isShared ? ' (read)' : ''}`;

/** A reduction may have learned of positions that no thread comes to. */
function positionsMet({ program, visited }: Side['searched']): readonly number[] {
  const met = new Uint8Array(program.positions.length);
  const state = new Int32Array(program.width);
  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    for (let thread = 0; thread < program.threads; thread++) met[state[program.slots + thread] as number] = 1;
  }
  return [...met.keys()].filter((id) => met[id] === 1);
}
