/** In which order the threads of a design take locks, by class: the struct and the field, as lockdep has it. */
import { plainName } from '../model/names.ts';
import type { World } from '../model/world.ts';
import type { Position } from '../tables/program.ts';
import type { Side } from './side.ts';

/** Who holds the first takes the second. */
export interface LockEdge {
  readonly from: string;
  readonly to: string;
  /** The functions in which it is taken. */
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

export function edgesOf({ program, searched }: Side): readonly LockEdge[] {
  const edges = new Map<string, { readonly from: string; readonly to: string; readonly functions: Set<string> }>();
  for (const position of positionsMet(searched)) {
    const { acquires, held } = position;
    if (acquires === null) continue;
    const to = classOf(program.world, acquires.object);
    const { function: name } = searched.judge.siteOf(position);
    for (const { object } of held) {
      const from = classOf(program.world, object);
      const key = `${from} ${to}`;
      const edge = edges.get(key) ?? { from, to, functions: new Set<string>() };
      edges.set(key, edge);
      edge.functions.add(name);
    }
  }
  return [...edges.values()]
    .map(({ from, to, functions }) => ({ from, to, functions: [...functions].toSorted() }))
    .toSorted((one, other) => (`${one.from} ${one.to}` < `${other.from} ${other.to}` ? -1 : 1));
}

/** A reduction may have learned of positions that no thread comes to. */
function positionsMet({ program, visited }: Side['searched']): readonly Position[] {
  const met = new Uint8Array(program.positions.length);
  const state = new Int32Array(program.width);
  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    for (let thread = 0; thread < program.threads; thread++) met[state[program.slots + thread] as number] = 1;
  }
  return program.positions.filter((_, id) => met[id] === 1);
}

function classOf({ instances }: World, path: string): string {
  const plain = plainName(path);
  const [object, ...fields] = plain.split('.');
  const { struct } = instances.find(({ name }) => plainName(name) === object) ?? {};
  return [struct?.name ?? object, ...fields].join('.');
}
