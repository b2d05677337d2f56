/** The outcomes of all interleavings against those of every order of whole operations. */
import type { Choice } from './choice.ts';
import type { Judge } from './judge.ts';
import type { RunEnds } from './serial-ends.ts';
import { keyOf, type SerialOrders, type SerialOutcome } from './serial-orders.ts';
import { differing, type Outcome, type Outcomes, type Place } from './serial-outcome.ts';
import type { Program } from '../tables/program.ts';

/** What is compared, and with what. */
export interface Comparison {
  readonly program: Program;
  readonly judge: Judge;
  readonly outcomes: Outcomes;
  readonly orders: SerialOrders;
}

/** The serial order that ends most like a run. */
export interface Nearest {
  readonly serial: SerialOutcome;
  /** The places in which the two differ; the first of them names the finding. */
  readonly places: readonly [number, ...number[]];
}

/** Outcomes that no serial order gives, and that first differ in one and the same thing from the nearest that one gives. */
export interface Unserial {
  readonly place: Place;
  readonly keys: ReadonlySet<string>;
  /** A way to one of them. */
  readonly way: readonly Choice[];
}

export interface Compared {
  /** How many outcomes the interleavings have that end without any other finding. */
  readonly outcomes: number;
  readonly unserial: readonly Unserial[];
}

/** A run counts that is over, and on which nothing else was found: what comes after a finding is its consequence. */
export const counts = ({ program, judge, outcomes }: Omit<Comparison, 'orders'>, state: Int32Array): boolean =>
  !program.isTainted(state) && outcomes.isComplete(state) && judge.ofState(state, false).length === 0;

export function* compareEnds(comparison: Comparison, ends: RunEnds): Generator<null, Compared, string | null> {
  const seen = new Set<string>();
  const groups = new Map<string, { readonly place: Place; readonly keys: Set<string>; readonly way: readonly Choice[] }>();
  for (const end of ends) {
    if (end === null) {
      yield null;
      continue;
    }
    if (!counts(comparison, end.state)) continue;
    const outcome = comparison.outcomes.of(end.state);
    const key = keyOf(outcome);
    if (seen.has(key)) continue;
    seen.add(key);
    const nearest = nearestTo(comparison.orders, outcome);
    if (nearest === null) continue;
    const place = comparison.outcomes.places[nearest.places[0]] as Place;
    const group = groups.get(place.name);
    if (group === undefined) groups.set(place.name, { place, keys: new Set([key]), way: end.way() });
    else group.keys.add(key);
  }
  const { places } = comparison.outcomes;
  const inOrder = [...groups.values()].toSorted((a, b) => places.indexOf(a.place) - places.indexOf(b.place));
  return { outcomes: seen.size, unserial: inOrder };
}

/**
 * Fewest places that differ; of equals the one with the shortest order, and of those the least by the order of the threads.
 * @returns null if a serial order gives the outcome itself, or if there is none at all
 */
export function nearestTo({ outcomes }: SerialOrders, outcome: Outcome): Nearest | null {
  let nearest: Nearest | null = null;
  if (outcomes.has(keyOf(outcome))) return null;
  for (const serial of outcomes.values()) {
    const [first, ...more] = differing(outcome, serial.outcome);
    if (first === undefined) return null;
    if (nearest === null || more.length + 1 < nearest.places.length) nearest = { serial, places: [first, ...more] };
  }
  return nearest;
}
