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
import type { Reduction } from '../plain-search.ts';
import { FIRST, IF_ABLE, RUN, type Stepper } from '../../tables/stepper.ts';
import { BitRows } from './bits.ts';
import type { Forecast } from './forecast.ts';

const UNKNOWN = 0;
const NO = 1;
const YES = 2;

/** Says whether something is wrong in a state. */
type IsWrong = (state: Int32Array) => boolean;

export class StubbornSets implements Reduction {
  private readonly program: Stepper;
  private readonly forecast: Forecast;
  private readonly isWrong: IsWrong;
  private readonly from: BitRows;
  private readonly conflicts: BitRows;
  /** By way and position: whether who stands there may yet conflict with the way. */
  private readonly conflictsLater: Uint8Array;
  /** By slot, snapshot and position: whether who stands there may yet be the first to change the slot. */
  private readonly changesLater = new Map<number, Uint8Array>();
  private readonly positions: number;
  private readonly next: Int32Array;

  constructor(program: Stepper, forecast: Forecast, isWrong: IsWrong) {
    this.program = program;
    this.forecast = forecast;
    this.isWrong = isWrong;
    this.positions = forecast.positions;
    this.from = new BitRows(forecast.positions, forecast.accesses.length, forecast.from);
    this.conflicts = new BitRows(forecast.ways, forecast.accesses.length, forecast.conflicts);
    this.conflictsLater = new Uint8Array(forecast.ways * forecast.positions);
    this.next = new Int32Array(program.width);
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
    const { program, forecast } = this;
    const noticed = forecast.noticed[way] as number;
    const marks = forecast.mayMark[way] === 1 && this.marksNow(state, thread, way);
    let found = 0;
    for (let other = 0; other < program.threads; other++) {
      if ((members & (1 << other)) !== 0) continue;
      const position = state[program.slots + other] as number;
      if (position >= this.positions) continue;
      if (
        (noticed & (forecast.noticedLater[position] as number)) !== 0 ||
        (marks && forecast.markLater[position] === 1) ||
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
    return program.splats > 0 || this.isWrong(next);
  }

  private mayConflict(way: number, position: number): boolean {
    const at = way * this.positions + position;
    if (this.conflictsLater[at] === UNKNOWN) this.conflictsLater[at] = this.from.meets(position, this.conflicts, way) ? YES : NO;
    return this.conflictsLater[at] === YES;
  }

  /** Who may make the way possible: by changing one of the slots that cannot take it, or by freeing what it touches. */
  private enabling(state: Int32Array, way: number, members: number): number {
    const { program } = this;
    const end = program.wayFirst.all[way + 1] as number;
    let least = -1;
    let frees = 0;
    for (let i = program.wayFirst.all[way] as number; i < end; i++) {
      const rule = program.sendRule.all[i];
      if (rule === IF_ABLE) continue;
      const slot = program.sendSlot.all[i] as number;
      if (rule === FIRST) frees |= this.changing(state, slot, members);
      if (program.nextOf(slot, state[slot] as number, program.sendEvent.all[i] as number) >= 0) continue;
      const changing = this.changing(state, slot, members);
      // While its CPU is not its own, not even freed memory lets the thread go on.
      if (rule === RUN) return changing;
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
    const { forecast } = this;
    return (forecast.to[slot] as readonly number[]).some(
      (access) => this.from.has(position, access) && this.changes(slot, snapshot, forecast.accesses[access]?.event as number),
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
}

/** How many bits are set. */
function count(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
