/**
 * Who looks at the states themselves, and so may notice in which order steps come that have nothing to do with each
 * other: what must hold, what must be reached, and whether a thread stands before a lock that it has itself.
 */
import type { Program } from '../../tables/program.ts';
import type { Reads } from '../witness.ts';
import type { Dependence } from './dependence.ts';
import type { Access, Futures } from './futures.ts';

/** As bits. What one of them sees must come in the same order as without the reduction; what two of them see need not. */
const ALWAYS = 1;
const SOMETIMES = 2;
const SELF_DEADLOCK = 4;
/** What they see may be a finding. */
export const MAY_FIND = ALWAYS | SELF_DEADLOCK;

export class Observers {
  private readonly program: Program;
  private readonly futures: Futures;
  private readonly dependence: Dependence;
  private readonly reads: Reads;
  private readonly positionOf: Int32Array;
  /** The slots by which a thread that stands before a lock that it holds could still go on. */
  private readonly waysOut: ReadonlySet<number>;

  constructor(program: Program, futures: Futures, dependence: Dependence, reads: Reads) {
    this.program = program;
    this.futures = futures;
    this.dependence = dependence;
    this.reads = reads;
    this.positionOf = new Int32Array(program.ways.length);
    for (const [position, { firstWay, ways }] of program.positions.entries())
      this.positionOf.fill(position, firstWay, firstWay + ways);
    this.waysOut = new Set(program.ways.flatMap(({ slots }, way) => (this.standsBeforeOwnLock(way) ? [...slots] : [])));
  }

  /** @returns those that may notice that the way is taken */
  of(way: number): number {
    const { always, sometimes } = this.reads;
    return (
      (this.moves(always, way) ? ALWAYS : 0) |
      ([...sometimes.values()].some((places) => this.moves(places, way)) ? SOMETIMES : 0) |
      (this.changes(this.waysOut, way) || this.standsBeforeOwnLock(way) || this.comesBeforeOwnLock(way) ? SELF_DEADLOCK : 0)
    );
  }

  /** The way may lead to where it is wrong to stand. In which order two threads come there, nobody can tell but by which is first. */
  mayLeadAstray(way: number): boolean {
    return [...(this.program.ways[way]?.kids.values() ?? [])].some(({ position }) => this.program.isWrongByItself(position));
  }

  /** The way may change one of these places of the state. */
  private moves(places: ReadonlySet<number>, way: number): boolean {
    const { slots, positions } = this.program;
    const { thread } = positions[this.positionOf[way] as number] as { thread: number };
    return places.has(slots + thread) || this.changes(places, way);
  }

  private changes(places: ReadonlySet<number>, way: number): boolean {
    return (this.futures.ofWay[way] as readonly number[]).some(
      (access) => places.has((this.futures.accesses[access] as Access).slot) && this.dependence.mayChange[access],
    );
  }

  private standsBeforeOwnLock(way: number): boolean {
    return this.program.reacquires(this.positionOf[way] as number);
  }

  private comesBeforeOwnLock(way: number): boolean {
    return [...(this.program.ways[way]?.kids.values() ?? [])].some(({ position }) => this.program.reacquires(position));
  }
}
