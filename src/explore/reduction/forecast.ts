/** What the reduction has to know of what may yet come, as plain arrays: another thread can be told it as it is. */
import type { Program } from '../../tables/program.ts';
import type { Reads } from '../witness.ts';
import { BitRows } from './bits.ts';
import { Dependence } from './dependence.ts';
import { type Access, Futures, spread } from './futures.ts';

export interface Forecast {
  /** How many were known when it was made. */
  readonly positions: number;
  readonly ways: number;
  readonly accesses: readonly Access[];
  /** By slot, the accesses to it. */
  readonly to: readonly (readonly number[])[];
  /** By position, the accesses of its step and of all that may come after it. */
  readonly from: Int32Array;
  /** By way: the accesses that conflict with one of its own. */
  readonly conflicts: Int32Array;
  /** By way: it may change what a predicate reads; it may bring about a finding. */
  readonly isVisible: readonly boolean[];
  readonly mayMark: readonly boolean[];
  /** By position: the same of any step from there on. */
  readonly visibleLater: Uint8Array;
  readonly markLater: Uint8Array;
}

export function forecastOf(program: Program, { always, sometimes }: Reads): Forecast {
  // To ask for conflicts may make more positions known, of which there is no future yet.
  const positions = program.positions.length;
  const ways = program.ways.length;
  const futures = new Futures(program);
  const dependence = new Dependence(program, futures);
  const { ofWay, accesses, to, from } = futures;
  const conflicts = new BitRows(ways, accesses.length);
  for (const [way, its] of ofWay.entries())
    for (const access of its)
      for (let other = 0; other < accesses.length; other++)
        if (dependence.conflicts.has(access, other)) conflicts.add(way, other);
  const threadOf = new Int32Array(ways);
  for (const { thread, firstWay, ways: count } of program.positions) threadOf.fill(thread, firstWay, firstWay + count);
  const touches = (places: ReadonlySet<number>, way: number): boolean =>
    places.has(program.slots + (threadOf[way] as number)) ||
    (ofWay[way] as readonly number[]).some(
      (access) => places.has(accesses[access]?.slot as number) && dependence.mayChange[access],
    );
  const isVisible = ofWay.map((_, way) => touches(always, way) || touches(sometimes, way));
  const mayMark = ofWay.map(
    (its, way) =>
      touches(always, way) ||
      its.some((access) => dependence.mayComplain[access]) ||
      [...(program.ways[way]?.kids.values() ?? [])].some(({ position }) => program.reacquires(position)),
  );
  return {
    positions,
    ways,
    accesses,
    to,
    from: from.bits,
    conflicts: conflicts.bits,
    isVisible,
    mayMark,
    visibleLater: later(program, futures, positions, isVisible),
    markLater: later(program, futures, positions, mayMark),
  };
}

function later(program: Program, { successors }: Futures, positions: number, holds: readonly boolean[]): Uint8Array {
  const later = new Uint8Array(positions);
  for (const [position, { firstWay, ways }] of program.positions.entries())
    if (holds.slice(firstWay, firstWay + ways).includes(true)) later[position] = 1;
  spread(successors, (position, successor) => {
    if (later[position] === 1 || later[successor] === 0) return false;
    later[position] = 1;
    return true;
  });
  return later;
}
