/**
 * What the runs of two designs come out with, of what both have: the outcomes that only one of them has, each beside the
 * nearest one of the other.
 *
 * A run counts that is over and on which nothing was found before its end: what comes after a finding is its consequence. A place in
 * which the designs never agree tells nothing of how calls interleave: it is named once, and compared no further.
 */
import type { Choice } from '../explore/choice.ts';
import { counts } from '../explore/serial-compare.ts';
import { endsOf } from '../explore/serial-ends.ts';
import { differing, type Place } from '../explore/serial-outcome.ts';
import { outcomesOf, type SharedPlaces, sharedPlaces, type Values } from './places.ts';
import type { Side } from './side.ts';

/** Outcomes of one design that differ in one and the same thing, and first in that, from the nearest of the other. */
export interface OnlyHere {
  readonly place: string;
  readonly of: Place['of'];
  readonly here: string;
  /** Null where the other design has no outcome at all. */
  readonly there: string | null;
  readonly outcomes: number;
  /** A way to one of them. */
  readonly way: readonly Choice[];
}

/** What the two designs have in a place in which they never agree. */
export interface NeverAlike {
  readonly place: string;
  readonly of: Place['of'];
  readonly values: readonly [a: readonly string[], b: readonly string[]];
}

export interface OutcomeDiff {
  readonly compared: SharedPlaces['places'];
  readonly notCompared: SharedPlaces['only'];
  readonly neverAlike: readonly NeverAlike[];
  /** Distinct outcomes: of A, of B, and of both. */
  readonly counts: { readonly a: number; readonly b: number; readonly both: number };
  readonly only: readonly [a: readonly OnlyHere[], b: readonly OnlyHere[]];
}

interface Met {
  readonly values: Values;
  readonly way: () => readonly Choice[];
}

export function compareOutcomes(a: Side, b: Side, threadInB: (thread: string) => string): OutcomeDiff {
  const shared = sharedPlaces(a, b, threadInB);
  const { places } = shared;
  const [metA, metB] = withoutVoid([metBy(a, shared.read[0]), metBy(b, shared.read[1])], places);
  const values = places.map((_, i) => [valuesAt(metA, i), valuesAt(metB, i)] as const);
  const agree = values.map(
    ([here, there]) => here.length === 0 || there.length === 0 || here.some((value) => there.includes(value)),
  );
  const [mineA, mineB] = [distinct(metA, agree), distinct(metB, agree)];
  const onlyA = mineA.filter(({ values: each }) => !mineB.some((other) => isAlike(each, other.values)));
  const onlyB = mineB.filter(({ values: each }) => !mineA.some((other) => isAlike(each, other.values)));
  return {
    compared: places.filter((_, i) => agree[i]),
    notCompared: shared.only,
    neverAlike: places.flatMap(({ name, of }, i) => (agree[i] ? [] : [{ place: name, of, values: values[i] ?? [[], []] }])),
    counts: { a: mineA.length, b: mineB.length, both: mineA.length - onlyA.length },
    only: [grouped(onlyA, mineB, places), grouped(onlyB, mineA, places)],
  };
}

/** What cannot be looked at in one of the two is no difference. */
const isAlike = (one: Values, other: Values): boolean => differing(one, other).length === 0;

/** Each outcome once, with a shortest way to it. */
function metBy(side: Side, read: (state: Int32Array) => Values): readonly Met[] {
  const met = new Map<string, Met>();
  const counted = { program: side.program, judge: side.searched.judge, outcomes: outcomesOf(side) };
  for (const end of endsOf(side.searched)) {
    if (end === null || !counts(counted, end.state)) continue;
    const values = read(end.state);
    const key = JSON.stringify(values);
    if (!met.has(key)) met.set(key, { values, way: () => end.way() });
  }
  return [...met.values()];
}

const VOID = 'null';
const NOT_CALLED = 'not called';

/** Where a call of one design returns nothing, all that can be compared is whether it is made. */
function withoutVoid(met: readonly [readonly Met[], readonly Met[]], places: SharedPlaces['places']): typeof met {
  const saysNothing = places.map(
    ({ of }, i) =>
      of === 'call' && met.some((each) => valuesAt(each, i).every((value) => value === VOID || value === NOT_CALLED)),
  );
  const dull = (value: string | null, i: number) => (saysNothing[i] && value !== NOT_CALLED ? VOID : value);
  const [a, b] = met.map((each) => each.map(({ values, way }) => ({ values: values.map(dull), way })));
  return [a ?? [], b ?? []];
}

const valuesAt = (met: readonly Met[], place: number): readonly string[] =>
  [...new Set(met.flatMap(({ values }) => values[place] ?? []))].toSorted();

/** The outcomes that are left when only the places count in which the designs ever agree. */
function distinct(met: readonly Met[], agree: readonly boolean[]): readonly Met[] {
  const left = new Map<string, Met>();
  for (const { values, way } of met) {
    const counted = values.map((value, i) => (agree[i] ? value : null));
    const key = JSON.stringify(counted);
    if (!left.has(key)) left.set(key, { values: counted, way });
  }
  return [...left.values()];
}

function grouped(only: readonly Met[], others: readonly Met[], places: SharedPlaces['places']): readonly OnlyHere[] {
  const groups = new Map<string, { readonly of: OnlyHere; outcomes: number }>();
  for (const { values, way } of only) {
    const nearest = nearestTo(values, others);
    const at = nearest === null ? values.findIndex((value) => value !== null) : (differing(values, nearest)[0] ?? -1);
    const place = places[at];
    if (place === undefined) continue;
    const [here, there] = [values[at] ?? '', nearest?.[at] ?? null];
    const key = JSON.stringify([at, here, there]);
    const group = groups.get(key);
    if (group === undefined)
      groups.set(key, { of: { place: place.name, of: place.of, here, there, outcomes: 1, way: way() }, outcomes: 1 });
    else group.outcomes++;
  }
  return [...groups.values()].map(({ of, outcomes }) => ({ ...of, outcomes }));
}

/** Fewest places that differ; of equals the one that was met first. */
function nearestTo(values: Values, others: readonly Met[]): Values | null {
  let nearest: Values | null = null;
  let least = Infinity;
  for (const other of others) {
    const { length } = differing(values, other.values);
    if (length < least) [nearest, least] = [other.values, length];
  }
  return nearest;
}
