/**
 * Data races among the states that a search has stored: two accesses to one field that are both next, one of them plain,
 * one a write. What can be taken right after each other in either order nothing orders.
 */
import type { Meaning } from '../../actors/step.ts';
import type { Choice } from '../explore/choice.ts';
import type { Sighting } from '../explore/found.ts';
import type { Explored } from '../explore/plain-search.ts';

interface Access {
  readonly slot: number;
  readonly plain: boolean;
  readonly kind: Meaning['kind'];
}

const NO_ACCESS: ReadonlySet<Meaning['kind']> = new Set(['alloc', 'free', 'choose']);

/** Each race once: where nothing came before it if there is such a state, and as early as there is. */
export function racesIn(explored: Explored): readonly Sighting[] {
  const search = new CoEnabled(explored);
  for (let at = 0; at < explored.visited.size; at++) search.visit(at);
  return [...search.found.values()];
}

class CoEnabled {
  readonly found = new Map<number, Sighting>();
  private readonly explored: Explored;
  private readonly state: Int32Array;
  private readonly next: Int32Array;
  private readonly accesses: readonly (readonly Access[])[];
  /** By pair of ways: the slots at which they may race. */
  private readonly pairs = new Map<number, readonly number[]>();

  constructor(explored: Explored) {
    const { program } = explored;
    this.explored = explored;
    this.state = new Int32Array(program.width);
    this.next = new Int32Array(program.width);
    this.accesses = program.ways.map(({ slots, means }) =>
      means.flatMap((is, i) =>
        is === undefined || NO_ACCESS.has(is.kind) ? [] : [{ slot: slots[i] as number, plain: is.plain === true, kind: is.kind }],
      ),
    );
  }

  visit(at: number): void {
    const { explored, state } = this;
    const { program } = explored;
    explored.visited.get(at, state);
    for (let one = 0; one < program.threads; one++)
      for (let other = one + 1; other < program.threads; other++)
        for (const first of this.waysOf(one)) for (const second of this.waysOf(other)) this.look(at, one, first, other, second);
  }

  private *waysOf(thread: number): Generator<number> {
    const position = this.state[this.explored.program.slots + thread] as number;
    const first = this.explored.program.firstWay(position);
    for (let way = first; way < first + this.explored.program.wayCount(position); way++) yield way;
  }

  private look(at: number, one: number, first: number, other: number, second: number): void {
    const slots = this.mayRaceAt(first, second);
    if (slots.length === 0) return;
    const { program, judge } = this.explored;
    const primary = !program.isTainted(this.state) && !judge.isWrong(this.state);
    for (const slot of slots) {
      const writes = [this.writes(one, first, slot), this.writes(other, second, slot)];
      if (writes.includes(null) || !writes.includes(true) || !this.inTurn(one, first, second, other)) continue;
      const positions = [program.position(this.state, one), program.position(this.state, other)] as const;
      const fault = judge.ofRace(slot, positions).id;
      if (this.found.get(fault)?.primary === true || (this.found.has(fault) && !primary)) continue;
      const last: readonly Choice[] = [
        { thread: one, way: first - positions[0].firstWay },
        { thread: other, way: second - positions[1].firstWay },
      ];
      this.found.set(fault, { fault, primary, byStep: true, way: () => [...this.explored.pathTo(at), ...last] });
    }
  }

  private mayRaceAt(first: number, second: number): readonly number[] {
    const pair = first * this.accesses.length + second;
    let slots = this.pairs.get(pair);
    if (slots === undefined) {
      const [some, others] = [this.accesses[first] ?? [], this.accesses[second] ?? []];
      slots = some.flatMap((a) => {
        const b = others.find((access) => access.slot === a.slot);
        return b !== undefined && (a.plain || b.plain) && (a.kind !== 'read' || b.kind !== 'read') ? [a.slot] : [];
      });
      this.pairs.set(pair, slots);
    }
    return slots;
  }

  /** By outcome: an update that leaves everything as it was has read. @returns null if the step cannot be taken, or not whole */
  private writes(thread: number, way: number, slot: number): boolean | null {
    const { program } = this.explored;
    if (!program.take(this.state, thread, way, this.next) || program.stoppedAt >= 0) return null;
    const means = this.accesses[way]?.find((access) => access.slot === slot);
    return means?.kind === 'write' || this.state[slot] !== this.next[slot];
  }

  private inTurn(one: number, first: number, second: number, other: number): boolean {
    const { program } = this.explored;
    program.take(this.state, one, first, this.next);
    return program.apply(this.next, other, second);
  }
}
