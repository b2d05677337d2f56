/** What each thread may yet say to which object, from each position on, as far as the search has seen. */
import type { Program } from '../../tables/program.ts';
import { IF_ABLE } from '../../tables/stepper.ts';
import { type FieldAccess, fieldAccesses } from '../races/accesses.ts';
import { BitRows } from './bits.ts';

/** An event that some step sends to a slot. */
export interface Access {
  readonly slot: number;
  readonly event: number;
  /** It is sent only where the slot can take it: else the step goes on without. */
  readonly ifAble: boolean;
  /** What it is for data races; null where nobody asks, or it is none. */
  readonly field: FieldAccess | null;
}

export class Futures {
  readonly accesses: Access[] = [];
  /** By slot, the accesses to it. */
  readonly to: number[][];
  /** By way, its accesses. */
  readonly ofWay: readonly (readonly number[])[];
  /** By position, the accesses of its step and of all that may come after it. */
  readonly from: BitRows;
  /** By position, the positions to which its step may lead. */
  readonly successors: readonly (readonly number[])[];

  /** @param keepsRaces accesses that are the same but for data races are told apart */
  constructor(program: Program, keepsRaces: boolean) {
    this.to = Array.from({ length: program.slots }, () => []);
    const ids = new Map<string, number>();
    const idOf = (slot: number, event: number, ifAble: boolean, field: FieldAccess | null): number => {
      const key = `${slot} ${event} ${ifAble} ${field?.kind} ${field?.plain}`;
      let id = ids.get(key);
      if (id === undefined) {
        id = this.accesses.push({ slot, event, ifAble, field }) - 1;
        ids.set(key, id);
        this.to[slot]?.push(id);
      }
      return id;
    };
    this.ofWay = program.ways.map(({ slots, events, rules }, way) => {
      const fields = keepsRaces ? fieldAccesses(program, way) : [];
      return Array.from(slots, (slot, i) =>
        idOf(slot, events[i] as number, rules[i] === IF_ABLE, fields.find((one) => one.slot === slot) ?? null),
      );
    });
    this.successors = program.positions.map(({ firstWay, ways }) => [
      ...new Set(
        program.ways.slice(firstWay, firstWay + ways).flatMap(({ kids }) => [...kids.values()].map(({ position }) => position)),
      ),
    ]);
    this.from = new BitRows(program.positions.length, this.accesses.length);
    for (const [position, { firstWay, ways }] of program.positions.entries())
      for (let way = firstWay; way < firstWay + ways; way++)
        for (const access of this.ofWay[way] as readonly number[]) this.from.add(position, access);
    spread(this.successors, (position, successor) => this.from.addAll(position, successor));
  }
}

/** Lets what holds of a position hold of those before it, until nothing changes. Later positions mostly have greater numbers. */
export function spread(successors: readonly (readonly number[])[], take: (position: number, successor: number) => boolean): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (let position = successors.length - 1; position >= 0; position--)
      for (const successor of successors[position] as readonly number[]) if (take(position, successor)) changed = true;
  }
}
