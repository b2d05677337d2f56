/** What the reduction has to know of what may yet come, as plain arrays: another thread can be told it as it is. */
import type { Program } from '../../tables/program.ts';
import type { Reads } from '../witness.ts';
import { BitRows } from './bits.ts';
import { Dependence } from './dependence.ts';
import { type Access, Futures, spread } from './futures.ts';
import { MAY_FIND, Observers } from './observers.ts';

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
  /** By way: by whom it may be noticed, as bits; whether it may bring about a finding. */
  readonly noticed: Uint8Array;
  readonly mayMark: Uint8Array;
  /** By position: the same of any step from there on. */
  readonly noticedLater: Uint8Array;
  readonly markLater: Uint8Array;
}

/** @param givenUp slots of which nothing is known, but that all accesses conflict; grows from pass to pass */
export function forecastOf(program: Program, reads: Reads, givenUp: Set<number>): Forecast {
  // To ask for conflicts may make more positions known, of which there is no future yet.
  const positions = program.positions.length;
  const ways = program.ways.length;
  const futures = new Futures(program);
  const dependence = new Dependence(program, futures, givenUp);
  const { ofWay, accesses, to, from } = futures;
  const conflicts = new BitRows(ways, accesses.length);
  for (const [way, its] of ofWay.entries())
    for (const access of its)
      for (let other = 0; other < accesses.length; other++)
        if (dependence.conflicts.has(access, other)) conflicts.add(way, other);
  const observers = new Observers(program, futures, dependence, reads);
  const noticed = Uint8Array.from(ofWay, (_, way) => observers.of(way));
  const mayMark = Uint8Array.from(ofWay, (its, way) =>
    ((noticed[way] as number) & MAY_FIND) !== 0 ||
    observers.mayLeadAstray(way) ||
    its.some((access) => dependence.mayComplain[access])
      ? 1
      : 0,
  );
  return {
    positions,
    ways,
    accesses,
    to,
    from: from.bits,
    conflicts: conflicts.bits,
    noticed,
    mayMark,
    noticedLater: later(program, futures, positions, noticed),
    markLater: later(program, futures, positions, mayMark),
  };
}

/** @param ofWay bits for each way */
function later(program: Program, { successors }: Futures, positions: number, ofWay: Uint8Array): Uint8Array {
  const later = new Uint8Array(positions);
  for (const [position, { firstWay, ways }] of program.positions.slice(0, positions).entries())
    for (let way = firstWay; way < firstWay + ways; way++) later[position] = (later[position] as number) | (ofWay[way] as number);
  spread(successors, (position, successor) => {
    const before = later[position] as number;
    later[position] = before | (later[successor] as number);
    return later[position] !== before;
  });
  return later;
}
