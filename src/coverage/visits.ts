/** What a search has met, state by state: the snapshots, the steps that were taken in them, and who stood beside whom. */
import type { Explored } from '../explore/plain-search.ts';
import type { Program } from '../tables/program.ts';

/** Numbers that were met, of a few that are known: to note one costs nothing. */
type Met = Uint8Array;

export interface Visits {
  readonly program: Program;
  /** By slot, the snapshots that it had. */
  readonly snapshots: readonly Met[];
  /** By slot, the snapshots and the events that were said to it then: see `cellOf`. */
  readonly cells: readonly Met[];
  readonly positions: Met;
  readonly ways: Met;
  /** By position of one thread, the positions of others that could go on in the same state. */
  readonly beside: ReadonlyMap<number, Met>;
}

/** A snapshot of a slot with an event as one number. */
export const cellOf = ({ tables }: Program, slot: number, snapshot: number, event: number): number =>
  snapshot * (tables[slot]?.events.length ?? 0) + event;

/** In order. */
export const numbersIn = (met: Met): readonly number[] => [...met.keys()].filter((number) => met[number] === 1);

/** Once a search is over nothing is learned any more, so all the numbers that there can be are known. */
export function visitsOf({ program, visited }: Pick<Explored, 'program' | 'visited'>): Visits {
  const { tables, width, slots, threads } = program;
  const snapshots = tables.map((table) => new Uint8Array(table.snapshots.length));
  const cells = tables.map((table) => new Uint8Array(table.snapshots.length * table.events.length));
  const positions = new Uint8Array(program.positions.length);
  const ways = new Uint8Array(program.ways.length);
  const beside = new Map<number, Uint8Array>();
  const state = new Int32Array(width);
  const movers: number[] = [];

  /** To be called right after `program.apply`. */
  const takeBack = (way: number) => {
    const first = program.wayFirst.all[way] as number;
    const end = program.wayFirst.all[way + 1] as number;
    const { stoppedAt } = program;
    program.undo(state);
    for (let i = first; i < end; i++) {
      if (stoppedAt >= 0 && i !== first + stoppedAt) continue;
      const slot = program.sendSlot.all[i] as number;
      const event = program.sendEvent.all[i] as number;
      const snapshot = state[slot] as number;
      if (program.nextOf(slot, snapshot, event) >= 0) (cells[slot] as Met)[cellOf(program, slot, snapshot, event)] = 1;
    }
  };

  for (let id = 0; id < visited.size; id++) {
    visited.get(id, state);
    for (let slot = 0; slot < slots; slot++) (snapshots[slot] as Met)[state[slot] as number] = 1;
    movers.length = 0;
    for (let thread = 0; thread < threads; thread++) {
      const position = state[slots + thread] as number;
      positions[position] = 1;
      const first = program.firstWay(position);
      const end = first + program.wayCount(position);
      let moves = false;
      for (let way = first; way < end; way++) {
        if (!program.apply(state, thread, way)) continue;
        moves = true;
        ways[way] = 1;
        takeBack(way);
      }
      if (moves) movers.push(position);
    }
    for (let i = 0; i < movers.length; i++) {
      const one = movers[i] as number;
      let others = beside.get(one);
      if (others === undefined) beside.set(one, (others = new Uint8Array(program.positions.length)));
      for (let j = i + 1; j < movers.length; j++) others[movers[j] as number] = 1;
    }
  }
  return { program, snapshots, cells, positions, ways, beside };
}
