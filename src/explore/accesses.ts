/** What a step has come to and what of it it wrote: that decides whether two steps conflict. */
import type { Program } from '../tables/program.ts';

export interface Access {
  readonly slot: number;
  readonly writes: boolean;
}

/**
 * By place and by outcome, as published counts of traces have it: a step writes a slot if it says that it does, also
 * where the value stays the same, or if it has changed it. So a compare-and-exchange that fails is a read, and so is an
 * exchange that puts back what was there.
 */
export class Accesses {
  private readonly program: Program;
  /** By way: the slots that it says it writes. */
  private readonly stores: (ReadonlySet<number> | undefined)[] = [];

  constructor(program: Program) {
    this.program = program;
  }

  /** To be asked right after `program.take` of that way of the thread. */
  ofStep(state: Int32Array, way: number, next: Int32Array): readonly Access[] {
    const stores = (this.stores[way] ??= this.storesOf(way));
    return Array.from(this.slotsMet(way), (slot) => ({ slot, writes: stores.has(slot) || state[slot] !== next[slot] }));
  }

  /** Where memory is freed or a pointer is NULL, the rest of the step is not said. */
  private slotsMet(way: number): Iterable<number> {
    const { slots } = this.program.ways[way] as Program['ways'][number];
    const { stoppedAt } = this.program;
    return stoppedAt < 0 ? slots : [slots[stoppedAt] as number];
  }

  private storesOf(way: number): ReadonlySet<number> {
    const { slots, means } = this.program.ways[way] as Program['ways'][number];
    return new Set([...slots].filter((_, i) => means[i]?.kind === 'write'));
  }
}

export const conflict = (some: readonly Access[], others: readonly Access[]): boolean =>
  some.some(({ slot, writes }) => others.some((other) => other.slot === slot && (writes || other.writes)));
