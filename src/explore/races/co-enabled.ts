/**
 * Data races seen in a state: two threads are about to access one field, both can go on, one of them would write, and one
 * of the accesses is plain. On a kernel the two accesses could meet in the same instant.
 */
import type { Program } from '../../tables/program.ts';
import type { Choice } from '../choice.ts';
import type { Judge } from '../judge.ts';
import { type FieldAccess, fieldAccesses, mayRace, writesHere } from './accesses.ts';

/** Two ways, of two threads that stand before them, and what they have in common. */
interface Pair {
  readonly slot: number;
  readonly ways: readonly [number, number];
  readonly accesses: readonly [FieldAccess, FieldAccess];
  /** The number of the fault, once there was one. */
  fault: number | null;
}

/** A race in some state. */
export interface Meeting {
  readonly fault: number;
  /** The two steps as choices in that state. */
  readonly choices: readonly [Choice, Choice];
}

/** More positions than fit into memory: two of them make one number. */
const MOST_POSITIONS = 2 ** 26;

export class CoEnabled {
  private readonly program: Program;
  private readonly judge: Judge;
  /** By two positions. */
  private readonly pairs = new Map<number, readonly Pair[]>();

  constructor(program: Program, judge: Judge) {
    this.program = program;
    this.judge = judge;
  }

  of(state: Int32Array): readonly Meeting[] {
    const { slots, threads } = this.program;
    const found: Meeting[] = [];
    for (let one = 0; one < threads; one++)
      for (let other = one + 1; other < threads; other++)
        for (const pair of this.pairsOf(state[slots + one] as number, state[slots + other] as number))
          if (this.meet(state, pair)) found.push(this.meeting(state, pair, [one, other]));
    return found;
  }

  private pairsOf(one: number, other: number): readonly Pair[] {
    const key = one * MOST_POSITIONS + other;
    let pairs = this.pairs.get(key);
    if (pairs === undefined) this.pairs.set(key, (pairs = this.pairUp(one, other)));
    return pairs;
  }

  private pairUp(one: number, other: number): readonly Pair[] {
    return this.accessesAt(one).flatMap(({ way, access }) =>
      this.accessesAt(other)
        .filter((second) => mayRace(access, second.access))
        .map((second) => ({ slot: access.slot, ways: [way, second.way], accesses: [access, second.access], fault: null })),
    );
  }

  private accessesAt(position: number): readonly { readonly way: number; readonly access: FieldAccess }[] {
    const { program } = this;
    const first = program.firstWay(position);
    return Array.from({ length: program.wayCount(position) }, (_, i) => first + i).flatMap((way) =>
      fieldAccesses(program, way).map((access) => ({ way, access })),
    );
  }

  /** Who would find the memory freed does not come to the access. */
  private meet(state: Int32Array, { ways, accesses }: Pair): boolean {
    const { program } = this;
    return (
      accesses.some((access) => writesHere(access, this.changes(state, access))) &&
      ways.every((way) => program.isWholeAt(state, way))
    );
  }

  private changes(state: Int32Array, { slot, event }: FieldAccess): boolean {
    const snapshot = state[slot] as number;
    return this.program.nextOf(slot, snapshot, event) !== snapshot;
  }

  private meeting(state: Int32Array, pair: Pair, threads: readonly [number, number]): Meeting {
    const { program, judge } = this;
    const [one, other] = threads.map((thread) => program.position(state, thread));
    if (one === undefined || other === undefined) throw new RangeError('a race is of two threads');
    pair.fault ??= judge.ofRace(pair.slot, [
      { position: one, way: pair.ways[0] },
      { position: other, way: pair.ways[1] },
    ]).id;
    return {
      fault: pair.fault,
      choices: [
        { thread: threads[0], way: pair.ways[0] - one.firstWay },
        { thread: threads[1], way: pair.ways[1] - other.firstWay },
      ],
    };
  }
}

/** The two steps in an order in which both can be taken; null where each would keep the other from it. */
export function inOrder(
  program: Program,
  state: Int32Array,
  { choices: [one, other] }: Meeting,
): readonly [Choice, Choice] | null {
  const next = new Int32Array(program.width);
  const isPossible = (first: Choice, second: Choice): boolean =>
    program.choose(state, first, next) && program.isWholeAt(next, program.position(next, second.thread).firstWay + second.way);
  if (isPossible(one, other)) return [one, other];
  return isPossible(other, one) ? [other, one] : null;
}
