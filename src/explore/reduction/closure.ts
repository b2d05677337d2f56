/**
 * The snapshots in which a slot may ever be, or more: all that known accesses lead to from where it begins, in any order.
 * To judge only where the search has been is not enough: it may not have been where two accesses show that they conflict.
 */
import { ModelError } from '../../model/errors.ts';
import type { Program } from '../../tables/program.ts';
import type { Futures } from './futures.ts';

const MOST_SNAPSHOTS = 4096;

export interface Closure {
  /** Where an access may yet come. */
  readonly one: readonly number[];
  /** Where two may yet come, one after the other. */
  readonly two: readonly number[];
}

/**
 * @param begin the state in which the search begins
 * @returns null where there are too many, or where the machine cannot even be asked about some of them
 */
export function closureOf(program: Program, futures: Futures, slot: number, begin: Int32Array): Closure | null {
  const events = [...new Set((futures.to[slot] as readonly number[]).map((id) => futures.accesses[id]?.event as number))];
  const most = mostAccesses(program, futures, slot, begin);
  const first = begin[slot] as number;
  const closure = new Set([first]);
  let level = [first];
  // How many of them, in the order in which they were met, an access, or two, may come after.
  let one = 0;
  let two = 0;
  try {
    // No run has more accesses to the slot than that, so no snapshot is farther away, and none of the farthest is asked.
    for (let left = most; left > 0 && level.length > 0; left--) {
      one = closure.size;
      if (left > 1) two = closure.size;
      const found: number[] = [];
      for (const snapshot of level)
        for (const event of events) {
          const next = program.nextOf(slot, snapshot, event);
          if (next < 0 || closure.has(next)) continue;
          if (closure.size === MOST_SNAPSHOTS) return null;
          closure.add(next);
          found.push(next);
        }
      level = found;
    }
    const all = [...closure];
    return { one: all.slice(0, one), two: all.slice(0, two) };
  } catch (error) {
    // Out of its range, or not meant to be asked: no run need ever lead there.
    if (error instanceof ModelError) return null;
    throw error;
  }
}

/** The most accesses to the slot that a run can have; infinite if a thread that accesses it goes round a loop. */
function mostAccesses(program: Program, futures: Futures, slot: number, begin: Int32Array): number {
  let sum = 0;
  const most = new Map<number, number>();
  const visit = (position: number): number => {
    const known = most.get(position);
    if (known !== undefined) return known;
    // Met again on the way to itself, it is part of a loop.
    most.set(position, Infinity);
    const { firstWay, ways } = program.positions[position] as { firstWay: number; ways: number };
    let own = 0;
    for (let way = firstWay; way < firstWay + ways; way++)
      if (futures.ofWay[way]?.some((access) => futures.accesses[access]?.slot === slot)) own = 1;
    let later = 0;
    for (const successor of futures.successors[position] as readonly number[])
      if (accessesLater(futures, successor, slot)) later = Math.max(later, visit(successor));
    most.set(position, own + later);
    return own + later;
  };
  for (const position of begin.subarray(program.slots, -1)) if (accessesLater(futures, position, slot)) sum += visit(position);
  return sum;
}

const accessesLater = ({ from, to }: Futures, position: number, slot: number): boolean =>
  (to[slot] as readonly number[]).some((access) => from.has(position, access));
