/** Who waits for whom in a state in which nothing moves. */
import type { Position } from '../tables/program.ts';

/** Threads that wait for each other, or one by one for what nobody will do. */
export interface Stuck {
  readonly positions: readonly [Position, ...Position[]];
  readonly inCycle: boolean;
}

/**
 * Who waits for each other is a deadlock by itself. Else it is they who wait for what nobody will do, and not those who
 * only queue behind them. A daemon may wait for work, but not for a lock that somebody keeps. Who waits for itself is
 * left out: that is another finding.
 */
export function whoIsStuck(all: readonly Position[], isTask: (position: Position) => boolean): readonly Stuck[] {
  const stuck = all.filter(({ status }) => status === 'running');
  const holders = holdersAmong(stuck);
  const cycles = findCycles(stuck, holders);
  const rings = cycles.filter(({ length }) => length > 1);
  if (rings.length > 0) return rings.flatMap((ring) => stuckOf(ring, true));
  const keepers = holdersAmong(all);
  const inItself = new Set(cycles.flat());
  const hung = stuck.filter((position) => isTask(position) || keepers(position).length > 0);
  const ends = new Set(hung.flatMap((position) => [...endsOf(position, holders)]).filter((end) => !inItself.has(end)));
  const core = stuck.filter(
    (position) =>
      ends.has(position) ||
      // Who waits for a daemon that waits: the task is what hangs.
      (hung.includes(position) && [...endsOf(position, holders)].some((end) => ends.has(end) && !isTask(end))),
  );
  return stuckOf(core, false);
}

function stuckOf([first, ...others]: readonly Position[], inCycle: boolean): readonly Stuck[] {
  return first === undefined ? [] : [{ positions: [first, ...others], inCycle }];
}

type Holders = (of: Position) => readonly Position[];

/** Who, of these, holds the lock for which a thread waits. */
const holdersAmong =
  (positions: readonly Position[]): Holders =>
  ({ acquires }) =>
    acquires === null ? [] : positions.filter(({ held }) => held.some(({ object }) => object === acquires.object));

/** Where the chains of waiting end that begin here. */
function endsOf(position: Position, holders: Holders, met: Set<Position> = new Set()): ReadonlySet<Position> {
  if (met.has(position)) return new Set();
  met.add(position);
  const next = holders(position);
  if (next.length === 0) return new Set([position]);
  return new Set(next.flatMap((holder) => [...endsOf(holder, holders, met)]));
}

/** The cycles of waiting that have no thread in common, in thread order. */
function findCycles(stuck: readonly Position[], holders: Holders): readonly (readonly Position[])[] {
  const follow = (path: readonly Position[]): readonly Position[] => {
    const last = path.at(-1) as Position;
    for (const holder of holders(last)) {
      const back = path.indexOf(holder);
      if (back >= 0) return path.slice(back);
      const cycle = follow([...path, holder]);
      if (cycle.length > 0) return cycle;
    }
    return [];
  };
  const cycles: (readonly Position[])[] = [];
  for (const position of stuck) {
    const cycle = follow([position]);
    if (cycle.length > 0 && !cycles.some((known) => known.some((other) => cycle.includes(other)))) cycles.push(cycle);
  }
  return cycles;
}
