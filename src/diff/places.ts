/**
 * In what two designs can be compared: the parts of objects that both have, and what the calls return that both make.
 *
 * A part is the same if it has the same path and is the same machine. A call is the same if its result goes into the same
 * local, or else if it stands at the same place in the same thread. Designs name their objects as they like, so of what
 * a call returns a pointer is only that: a pointer.
 */
import type { Json } from '../../machines/object.ts';
import { Outcomes, type Place } from '../explore/serial-outcome.ts';
import { plainName } from '../model/names.ts';
import type { Side } from './side.ts';

/** A text for each place; null where there is nothing to look at, as the memory is gone. */
export type Values = readonly (string | null)[];

export interface SharedPlace {
  readonly name: string;
  readonly of: Place['of'];
}

export interface SharedPlaces {
  /** Calls first: what they return is what callers notice. */
  readonly places: readonly SharedPlace[];
  /** Off a state in which a run of that design has ended. */
  readonly read: readonly [a: (state: Int32Array) => Values, b: (state: Int32Array) => Values];
  /** What only one of the designs has. */
  readonly only: readonly [a: readonly string[], b: readonly string[]];
}

/** What one design has that might be compared. */
interface Own {
  readonly name: string;
  readonly of: Place['of'];
  /** Alike in both designs where it is the same, best first. */
  readonly keys: readonly (string | null)[];
  readonly read: (state: Int32Array, outcome: Values) => string | null;
}

/** @param threadInB by the name that the thread has in A */
export function sharedPlaces(a: Side, b: Side, threadInB: (thread: string) => string): SharedPlaces {
  const [outcomesA, outcomesB] = [outcomesOf(a), outcomesOf(b)];
  const inA = ownOf(a, outcomesA, threadInB);
  const inB = ownOf(b, outcomesB, (thread) => thread);
  const pairs = pairsOf(inA, inB);
  return {
    places: pairs.map(([one, other]) => ({ name: bothNames(one.name, other.name), of: one.of })),
    read: [
      (state) =>
        valuesIn(
          pairs.map(([one]) => one),
          outcomesA,
          state,
        ),
      (state) =>
        valuesIn(
          pairs.map(([, other]) => other),
          outcomesB,
          state,
        ),
    ],
    only: [
      namesOf(inA.filter((own) => !pairs.some(([one]) => one === own))),
      namesOf(inB.filter((own) => !pairs.some(([, other]) => other === own))),
    ],
  };
}

export const outcomesOf = ({ program, variant }: Side): Outcomes => new Outcomes(program, Object.keys(variant.objects));

const RANKS = [0, 1] as const;

function pairsOf(inA: readonly Own[], inB: readonly Own[]): readonly (readonly [Own, Own])[] {
  const partner = new Map<Own, Own>();
  const taken = new Set<Own>();
  for (const rank of RANKS)
    for (const one of inA) {
      const key = one.keys[rank] ?? null;
      if (key === null || partner.has(one)) continue;
      const other = inB.find((candidate) => !taken.has(candidate) && candidate.keys[rank] === key);
      if (other === undefined) continue;
      partner.set(one, other);
      taken.add(other);
    }
  return inA.flatMap((one) => {
    const other = partner.get(one);
    return other === undefined ? [] : [[one, other] as const];
  });
}

function ownOf({ program }: Side, { places }: Outcomes, threadInB: (thread: string) => string): readonly Own[] {
  const names = places.map(({ name }) => name);
  const all = places.map((place, index) => ({ place, index }));
  const calls = all.flatMap(({ place: { name, of, call } }): readonly Own[] => {
    if (call === null) return [];
    const thread = program.world.threads.findIndex((named) => named.name === call.thread);
    const { result } = program.world.threads[thread]?.calls[call.index] ?? {};
    const local = result === undefined || result === null ? null : `into ${result}`;
    return [
      {
        name,
        of,
        keys: [local, `${threadInB(call.thread)} ${call.index}`],
        read: (state) => spellResult(program.position(state, thread).root.results[call.index]),
      },
    ];
  });
  const parts = all.flatMap(({ place: { name, of, slot }, index }): readonly Own[] => {
    const at = program.world.slots[slot ?? -1];
    // Several of a pool have one plain name: which is which depends on the design.
    if (at === undefined || names.indexOf(name) !== names.lastIndexOf(name)) return [];
    const key = `${plainName(at.path)} ${at.part.machine.id}`;
    return [{ name, of, keys: [key], read: (_, outcome) => plain(outcome[index] ?? null) }];
  });
  return [...calls, ...parts];
}

function valuesIn(owns: readonly Own[], outcomes: Outcomes, state: Int32Array): Values {
  const outcome = outcomes.of(state);
  return owns.map(({ read }) => read(state, outcome));
}

/** Names of pool slots within a value lose their thread: which thread allocates is a matter of the design. */
const plain = (value: string | null): string | null => value && value.replace(/@[\w.-]*?(?:#\d+)?(?=["\s,\]}]|$|\.\w)/g, '');
const namesOf = (owns: readonly Own[]): readonly string[] => owns.map(({ name }) => name);

/** `user.open() / openDevice()`: the thread is said once. */
function bothNames(a: string, b: string): string {
  if (a === b) return a;
  const [thread] = a.split('.');
  return `${a} / ${b.startsWith(`${thread}.`) ? b.slice(`${thread}.`.length) : b}`;
}

const POINTER = 'a pointer';

function spellResult(result: Json | undefined): string {
  if (result === undefined) return 'not called';
  const at = typeof result === 'object' && result !== null && 'at' in result ? (result as { readonly at: Json }).at : null;
  if (typeof at !== 'string') return JSON.stringify(result);
  return at === 'NULL' ? at : POINTER;
}
