/**
 * Which threads have to be followed from a state, so that what is left out only repeats what is found anyway: stubborn
 * sets (Valmari 1989), with threads for transitions and with futures and conflicts that are learned.
 *
 * A set begins with a thread that can move. For each thread in it, and each way of its step that can be taken, come in
 * those who may ever do what conflicts with it; for each way that cannot be taken, those who may make it possible. Then
 * no run of the others alone can spoil, or notice, what the threads of the set are about to do, so that it can as well be
 * done first. `docs/exploration.md` has the argument for each kind of finding.
 */
import { ModelError } from '../../model/errors.ts';
import type { Judge } from '../judge.ts';
import type { Reduction } from '../plain-search.ts';
import type { Program } from '../../tables/program.ts';
import { FIRST, IF_ABLE, RUN } from '../../tables/stepper.ts';
import type { Reads } from '../witness.ts';
import { BitRows } from './bits.ts';
import { Dependence } from './dependence.ts';
import { Futures, spread } from './futures.ts';
import { MAY_FIND, Observers } from './observers.ts';

const UNKNOWN = 0;
const NO = 1;
const YES = 2;

export class StubbornSets implements Reduction {
  private readonly program: Program;
  private readonly judge: Judge;
  private readonly futures: Futures;
  private readonly dependence: Dependence;
  /** By way: the accesses that conflict with one of its own. */
  private readonly conflicts: BitRows;
  /** By way: by whom it may be noticed, as bits; whether it may bring about a finding. */
  private readonly noticed: Uint8Array;
  private readonly mayMark: readonly boolean[];
  /** By position: the same of any step from there on. */
  private readonly noticedLater: Uint8Array;
  private readonly markLater: Uint8Array;
  /** By way and position: whether who stands there may yet conflict with the way. */
  private readonly conflictsLater: Uint8Array;
  /** By slot, snapshot and position: whether who stands there may yet be the first to change the slot. */
  private readonly changesLater = new Map<number, Uint8Array>();
  private readonly positions: number;
  private readonly ways: number;
  private readonly next: Int32Array;

  /** @param givenUp slots of which nothing is known, but that all accesses conflict; grows from pass to pass */
  constructor(program: Program, judge: Judge, reads: Reads, givenUp: Set<number>) {
    this.program = program;
    this.judge = judge;
    this.positions = program.positions.length;
    this.ways = program.ways.length;
    this.futures = new Futures(program);
    this.dependence = new Dependence(program, this.futures, givenUp);
    this.next = new Int32Array(program.width);
    const { ofWay, accesses } = this.futures;
    this.conflicts = new BitRows(this.ways, accesses.length);
    for (const [way, its] of ofWay.entries())
      for (const access of its)
        for (let other = 0; other < accesses.length; other++)
          if (this.dependence.conflicts.has(access, other)) this.conflicts.add(way, other);
    const observers = new Observers(program, this.futures, this.dependence, reads);
    this.noticed = Uint8Array.from(ofWay, (_, way) => observers.of(way));
    this.mayMark = ofWay.map(
      (its, way) => ((this.noticed[way] as number) & MAY_FIND) !== 0 || its.some((access) => this.dependence.mayComplain[access]),
    );
    this.noticedLater = this.later(this.noticed);
    this.markLater = this.later(Uint8Array.from(this.mayMark, Number));
    this.conflictsLater = new Uint8Array(this.ways * this.positions);
  }

  choose(state: Int32Array): number {
    const { program } = this;
    let canMove = 0;
    for (let thread = 0; thread < program.threads; thread++) if (program.anyEnabled(state, thread)) canMove |= 1 << thread;
    let best = canMove;
    let least = count(canMove);
    for (let thread = 0; thread < program.threads && least > 1; thread++) {
      if ((canMove & (1 << thread)) === 0) continue;
      const movers = this.close(state, thread, canMove, least) & canMove;
      if (movers !== 0 && count(movers) < least) {
        best = movers;
        least = count(movers);
      }
    }
    return best;
  }

  /** The closure of one thread; given up, as everything, where it is no better than what is known. */
  private close(state: Int32Array, seed: number, canMove: number, least: number): number {
    let members = 1 << seed;
    let open = members;
    while (open !== 0) {
      const thread = 31 - Math.clz32(open);
      open &= ~(1 << thread);
      const needed = this.neededBy(state, thread, members) & ~members;
      members |= needed;
      open |= needed;
      if (count(members & canMove) >= least) return canMove;
    }
    return members;
  }

  private neededBy(state: Int32Array, thread: number, members: number): number {
    const { program } = this;
    const position = state[program.slots + thread] as number;
    // What is new in this pass has no known future: the pass is not the last.
    if (position >= this.positions) return 0;
    const first = program.firstWay(position);
    const end = first + program.wayCount(position);
    let needed = 0;
    for (let way = first; way < end; way++)
      needed |= program.enabled(state, way)
        ? this.conflicting(state, thread, way, members | needed)
        : this.enabling(state, way, members | needed);
    return needed;
  }

  private conflicting(state: Int32Array, thread: number, way: number, members: number): number {
    const { program } = this;
    const noticed = this.noticed[way] as number;
    const marks = (this.mayMark[way] as boolean) && this.marksNow(state, thread, way);
    let found = 0;
    for (let other = 0; other < program.threads; other++) {
      if ((members & (1 << other)) !== 0) continue;
      const position = state[program.slots + other] as number;
      if (position >= this.positions) continue;
      if (
        (noticed & (this.noticedLater[position] as number)) !== 0 ||
        (marks && this.markLater[position] === 1) ||
        this.mayConflict(way, position)
      )
        found |= 1 << other;
    }
    return found;
  }

  /**
   * The way brings about the first finding of this run. What is found after it is a consequence, so the order of two
   * that each may be the first matters, although nothing else tells them apart.
   */
  private marksNow(state: Int32Array, thread: number, way: number): boolean {
    const { program, next } = this;
    if (program.isTainted(state) || !program.take(state, thread, way, next)) return false;
    return program.splats > 0 || this.judge.isWrong(next);
  }

  private mayConflict(way: number, position: number): boolean {
    const at = way * this.positions + position;
    if (this.conflictsLater[at] === UNKNOWN)
      this.conflictsLater[at] = this.futures.from.meets(position, this.conflicts, way) ? YES : NO;
    return this.conflictsLater[at] === YES;
  }

  /** Who may make the way possible: by changing one of the slots that cannot take it, or by freeing what it touches. */
  private enabling(state: Int32Array, way: number, members: number): number {
    const { program } = this;
    const { slots, events, rules } = program.ways[way] as { slots: Int32Array; events: Int32Array; rules: Int32Array };
    let least = -1;
    let frees = 0;
    for (let i = 0; i < slots.length; i++) {
      if (rules[i] === IF_ABLE) continue;
      const slot = slots[i] as number;
      if (rules[i] === FIRST) frees |= this.changing(state, slot, members);
      if (program.nextOf(slot, state[slot] as number, events[i] as number) >= 0) continue;
      const changing = this.changing(state, slot, members);
      // While its CPU is not its own, not even freed memory lets the thread go on.
      if (rules[i] === RUN) return changing;
      if (least === -1 || count(changing) < count(least)) least = changing;
    }
    return least | frees;
  }

  /** Those who may yet say to the slot what changes it as it is now: whoever changes it first does so. */
  private changing(state: Int32Array, slot: number, members: number): number {
    const { program } = this;
    const snapshot = state[slot] as number;
    const row = this.changesRow(slot, snapshot);
    let found = 0;
    for (let other = 0; other < program.threads; other++) {
      if ((members & (1 << other)) !== 0) continue;
      const position = state[program.slots + other] as number;
      if (position >= this.positions) continue;
      if (row[position] === UNKNOWN) row[position] = this.mayChangeFirst(slot, snapshot, position) ? YES : NO;
      if (row[position] === YES) found |= 1 << other;
    }
    return found;
  }

  private changesRow(slot: number, snapshot: number): Uint8Array {
    const key = snapshot * this.program.slots + slot;
    let row = this.changesLater.get(key);
    if (row === undefined) this.changesLater.set(key, (row = new Uint8Array(this.positions)));
    return row;
  }

  private mayChangeFirst(slot: number, snapshot: number, position: number): boolean {
    const { futures } = this;
    return (futures.to[slot] as readonly number[]).some(
      (access) => futures.from.has(position, access) && this.changes(slot, snapshot, futures.accesses[access]?.event as number),
    );
  }

  private changes(slot: number, snapshot: number, event: number): boolean {
    try {
      const next = this.program.nextOf(slot, snapshot, event);
      return next >= 0 && next !== snapshot;
    } catch (error) {
      // Perhaps no run says it there. If one does, it has to be followed, to tell that the model is wrong.
      if (error instanceof ModelError) return true;
      throw error;
    }
  }

  /** @param ofWay bits for each way */
  private later(ofWay: Uint8Array): Uint8Array {
    const later = new Uint8Array(this.positions);
    for (const [position, { firstWay, ways }] of this.program.positions.entries())
      for (let way = firstWay; way < firstWay + ways; way++)
        later[position] = (later[position] as number) | (ofWay[way] as number);
    spread(this.futures.successors, (position, successor) => {
      const before = later[position] as number;
      later[position] = before | (later[successor] as number);
      return later[position] !== before;
    });
    return later;
  }
}

/** How many bits are set. */
function count(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
