/**
 * A scenario as arrays of integers: the loop that all searches share. It knows no machine and no kernel code; what the
 * arrays do not say yet is learned from whoever does, once.
 *
 * A state is a vector: the snapshot of each slot, the position of each thread, and whether a finding has come before.
 */
import type { Send } from '../model/world.ts';
import { Growing } from './growing.ts';
import { DISABLED, NEXT, STOPS, UNKNOWN } from './machine-table.ts';

/** The rules of `Send`, as small integers. */
export const RULES: readonly Send['rule'][] = ['first', 'needed', 'if-able', 'run'];
export const FIRST = 0;
export const IF_ABLE = 2;
export const RUN = 3;

/** The step is enabled, and nothing stops the thread before it is done. */
const WHOLE = -2;
/** In place of a send: the way is not enabled. */
const DISABLED_WAY = -1;
/** No answer: the thread was stopped. */
const STOPPED = -1;

/** What a position is, in its flags. */
export const REACQUIRES = 1;
export const SLEEPS = 2;
export const KEEPS = 4;

/** What the last step did to its thread, in the flags of a kid. */
const RETURNED = 1;
const WENT_ROUND = 2;

/** What an entry of the log says. */
export const CELL = 0;
export const POSITION = 1;
export const WAY = 2;
export const OUTCOME = 3;

/** Four numbers for each known outcome of a way: the way, the answer, the position it leads to, its flags. */
const KID = 4;

export abstract class Stepper {
  readonly slots: number;
  readonly threads: number;
  readonly width: number;
  /** Some thread has come round to where it was: only then can the state graph have cycles. */
  hasLoops = false;
  /** In the last step a call returned. */
  returned = false;
  /** In the last step the thread came round to where a loop or the thread itself began. */
  wentRound = false;
  /** The send at which the thread was stopped in the last step before the rest was said; -1 if all was said. */
  stoppedAt = -1;
  /** How many complaints the last step raised, and of which slot and with which answer each. */
  splats = 0;
  readonly splatSlots: Int32Array;
  readonly splatAnswers: Int32Array;
  /** The places that the last step changed, and what stood there before. */
  changes = 0;
  readonly changedPlaces: Int32Array;
  readonly changedFrom: Int32Array;

  /** By slot, the cells of its machine and their width: see `MachineTable.cells`. */
  protected readonly cells: Int32Array[] = [];
  protected readonly strides: Int32Array;
  protected answerFlags: Uint8Array = new Uint8Array(0);
  protected readonly positionFirst = new Growing();
  protected readonly positionWays = new Growing();
  protected readonly positionFlags = new Growing();
  /** By way: its first send. One more than there are ways. */
  readonly wayFirst = new Growing();
  readonly sendSlot = new Growing();
  readonly sendEvent = new Growing();
  readonly sendRule = new Growing();
  protected readonly wayMain = new Growing();
  /** All that was learned, in order, so that another thread can learn the same: see `RemoteStepper.learn`. */
  readonly log = new Growing();
  private kids = new Int32Array(KID << 6).fill(-1);
  private kidCount = 0;

  constructor(slots: number, threads: number) {
    this.slots = slots;
    this.threads = threads;
    this.width = slots + threads + 1;
    this.strides = new Int32Array(slots);
    this.splatSlots = new Int32Array(slots);
    this.splatAnswers = new Int32Array(slots);
    this.changedPlaces = new Int32Array(this.width);
    this.changedFrom = new Int32Array(this.width);
    this.wayFirst.push(0);
  }

  /** Makes `cells` say what comes of the event. */
  protected abstract learnCell(slot: number, snapshot: number, event: number): void;
  /** Makes the outcome of the way known, by `addKid`. @param answer to the main message; -1 where the thread was stopped */
  protected abstract learnKid(position: number, way: number, answer: number): void;

  isTainted(state: Int32Array): boolean {
    return state[this.width - 1] === 1;
  }

  taint(state: Int32Array): void {
    state[this.width - 1] = 1;
  }

  firstWay(position: number): number {
    return this.positionFirst.all[position] as number;
  }

  wayCount(position: number): number {
    return this.positionWays.all[position] as number;
  }

  /** The position stands before an acquire of what its thread holds. */
  reacquires(position: number): boolean {
    return ((this.positionFlags.all[position] as number) & REACQUIRES) !== 0;
  }

  /** To stand there is wrong, whatever the objects are in: it sleeps where it must not, or has returned with a lock. */
  isWrongByItself(position: number): boolean {
    return ((this.positionFlags.all[position] as number) & (SLEEPS | KEEPS)) !== 0;
  }

  /** It is wrong that the thread stands where it does. */
  standsWrong(state: Int32Array, thread: number): boolean {
    const position = state[this.slots + thread] as number;
    return this.isWrongByItself(position) || (this.reacquires(position) && this.isStuckInItself(state, thread));
  }

  /** The thread stands before an acquire of what it holds, and can go on neither this way nor another. */
  isStuckInItself(state: Int32Array, thread: number): boolean {
    const position = state[this.slots + thread] as number;
    return this.reacquires(position) && !this.anyEnabled(state, thread) && !this.isKeptFromRunning(state, position);
  }

  /** Its CPU is not its own: it waits for that, and not for what its step is for. */
  private isKeptFromRunning(state: Int32Array, position: number): boolean {
    const first = this.wayFirst.all[this.firstWay(position)] as number;
    if (this.sendRule.all[first] !== RUN) return false;
    const slot = this.sendSlot.all[first] as number;
    return this.nextOf(slot, state[slot] as number, this.sendEvent.all[first] as number) < 0;
  }

  enabled(state: Int32Array, way: number): boolean {
    return this.look(state, way) !== DISABLED_WAY;
  }

  anyEnabled(state: Int32Array, thread: number): boolean {
    const position = state[this.slots + thread] as number;
    const first = this.positionFirst.all[position] as number;
    const end = first + (this.positionWays.all[position] as number);
    for (let way = first; way < end; way++) if (this.look(state, way) !== DISABLED_WAY) return true;
    return false;
  }

  /** No thread can move any more. */
  isTerminal(state: Int32Array): boolean {
    for (let thread = 0; thread < this.threads; thread++) if (this.anyEnabled(state, thread)) return false;
    return true;
  }

  /**
   * Takes one way of a thread's step.
   * @returns false where it is not enabled; otherwise `into` is the state after it, and `raised` what was complained of
   */
  take(state: Int32Array, thread: number, way: number, into: Int32Array): boolean {
    into.set(state);
    return this.apply(into, thread, way);
  }

  /** As `take`, in place: `undo` takes it back. @returns false where it is not enabled, and then nothing was changed */
  apply(state: Int32Array, thread: number, way: number): boolean {
    const stoppedAt = this.look(state, way);
    if (stoppedAt === DISABLED_WAY) return false;
    this.changes = 0;
    this.splats = 0;
    const main = this.wayMain.all[way] as number;
    const first = this.wayFirst.all[way] as number;
    const end = this.wayFirst.all[way + 1] as number;
    this.stoppedAt = stoppedAt === WHOLE ? -1 : stoppedAt - first;
    let stops = false;
    let mainAnswer = STOPPED;
    for (let i = first; i < end; i++) {
      // Memory that is freed, or a NULL pointer: the rest of the step is not said.
      if (stoppedAt !== WHOLE && i !== stoppedAt) continue;
      const slot = this.sendSlot.all[i] as number;
      const at = this.cellAt(slot, state[slot] as number, this.sendEvent.all[i] as number);
      const cells = this.cells[slot] as Int32Array;
      const cell = cells[at] as number;
      if (cell === DISABLED) {
        if (this.sendRule.all[i] !== IF_ABLE) throw new RangeError('a way that was enabled is not');
        continue;
      }
      const answer = cells[at + 1] as number;
      this.put(state, slot, cell - NEXT);
      if (i - first === main) mainAnswer = answer;
      const flags = this.answerFlags[answer] as number;
      if (flags !== 0) {
        this.splatSlots[this.splats] = slot;
        this.splatAnswers[this.splats++] = answer;
        stops ||= (flags & STOPS) !== 0;
      }
    }
    if (this.splats > 0) this.put(state, this.width - 1, 1);
    this.follow(state, thread, way, stops ? STOPPED : mainAnswer);
    return true;
  }

  /** Takes back what the last `apply` did. */
  undo(state: Int32Array): void {
    for (let i = this.changes - 1; i >= 0; i--) state[this.changedPlaces[i] as number] = this.changedFrom[i] as number;
  }

  /** Makes sure that it is known where the way leads with that answer; -1 where the thread was stopped. */
  knowOutcome(position: number, way: number, answer: number): void {
    if (!this.knows(way, answer)) this.learnKid(position, way, answer);
  }

  private put(state: Int32Array, place: number, value: number): void {
    const before = state[place] as number;
    if (before === value) return;
    this.changedPlaces[this.changes] = place;
    this.changedFrom[this.changes++] = before;
    state[place] = value;
  }

  private follow(state: Int32Array, thread: number, way: number, answer: number): void {
    let at = this.findKid(way, answer);
    if (this.kids[at] === -1) {
      this.learnKid(state[this.slots + thread] as number, way, answer);
      at = this.findKid(way, answer);
    }
    this.put(state, this.slots + thread, this.kids[at + 2] as number);
    const flags = this.kids[at + 3] as number;
    this.returned = (flags & RETURNED) !== 0;
    this.wentRound = (flags & WENT_ROUND) !== 0;
  }

  /** DISABLED_WAY, the index of the send at which the thread is stopped, or WHOLE. */
  private look(state: Int32Array, way: number): number {
    const end = this.wayFirst.all[way + 1] as number;
    let enabled = true;
    for (let i = this.wayFirst.all[way] as number; i < end; i++) {
      const rule = this.sendRule.all[i] as number;
      if (rule === IF_ABLE) continue;
      const slot = this.sendSlot.all[i] as number;
      const at = this.cellAt(slot, state[slot] as number, this.sendEvent.all[i] as number);
      const cells = this.cells[slot] as Int32Array;
      if (cells[at] === DISABLED) {
        // While its CPU is in a handler, a thread does not even touch freed memory.
        if (rule === RUN) return DISABLED_WAY;
        enabled = false;
      } else if (rule === FIRST && ((this.answerFlags[cells[at + 1] as number] as number) & STOPS) !== 0) return i;
    }
    return enabled ? WHOLE : DISABLED_WAY;
  }

  /** @returns the snapshot of the slot after the event, or -1 where it cannot take it */
  nextOf(slot: number, snapshot: number, event: number): number {
    const at = this.cellAt(slot, snapshot, event);
    const cell = (this.cells[slot] as Int32Array)[at] as number;
    return cell === DISABLED ? -1 : cell - NEXT;
  }

  /** What the slot answers to an event that it can take: two answers are alike if they are the same number. */
  answerOf(slot: number, snapshot: number, event: number): number {
    const at = this.cellAt(slot, snapshot, event);
    return (this.cells[slot] as Int32Array)[at + 1] as number;
  }

  isComplaint(answer: number): boolean {
    return this.answerFlags[answer] !== 0;
  }

  /** How much is known of the threads: it grows with each outcome that is learned. */
  get knowledge(): number {
    return this.kidCount;
  }

  private cellAt(slot: number, snapshot: number, event: number): number {
    const at = 2 * (snapshot * (this.strides[slot] as number) + event);
    if ((this.cells[slot] as Int32Array)[at] !== UNKNOWN) return at;
    this.learnCell(slot, snapshot, event);
    const learned = 2 * (snapshot * (this.strides[slot] as number) + event);
    const cells = this.cells[slot] as Int32Array;
    const answer = cells[learned + 1] as number;
    this.note(CELL, slot, snapshot, event, cells[learned] as number, answer, this.answerFlags[answer] ?? 0);
    return learned;
  }

  private note(...entry: readonly number[]): void {
    for (const number of entry) this.log.push(number);
  }

  /** @returns its number */
  protected addPosition(flags: number): number {
    this.positionFirst.push(this.wayFirst.length - 1);
    this.positionWays.push(0);
    this.note(POSITION, flags);
    return this.positionFlags.push(flags);
  }

  /** To the position that was added last. @returns its number */
  protected addWay(slots: Int32Array, events: Int32Array, rules: Int32Array, main: number): number {
    const position = this.positionWays.length - 1;
    this.positionWays.all[position] = (this.positionWays.all[position] as number) + 1;
    this.note(WAY, main, slots.length);
    for (let i = 0; i < slots.length; i++) {
      this.note(slots[i] as number, events[i] as number, rules[i] as number);
      this.sendSlot.push(slots[i] as number);
      this.sendEvent.push(events[i] as number);
      this.sendRule.push(rules[i] as number);
    }
    this.wayMain.push(main);
    return this.wayFirst.push(this.sendSlot.length) - 1;
  }

  protected addKid(
    way: number,
    answer: number,
    position: number,
    { returned, wentRound }: { readonly returned: boolean; readonly wentRound: boolean },
  ): void {
    this.addOutcome(way, answer, position, (returned ? RETURNED : 0) | (wentRound ? WENT_ROUND : 0));
  }

  protected addOutcome(way: number, answer: number, position: number, flags: number): void {
    if (2 * KID * (this.kidCount + 1) > this.kids.length) this.growKids();
    const at = this.findKid(way, answer);
    this.kids[at] = way;
    this.kids[at + 1] = answer;
    this.kids[at + 2] = position;
    this.kids[at + 3] = flags;
    this.note(OUTCOME, way, answer, position, flags);
    this.kidCount++;
    this.hasLoops ||= (flags & WENT_ROUND) !== 0;
  }

  protected knows(way: number, answer: number): boolean {
    return this.kids[this.findKid(way, answer)] !== -1;
  }

  /** Where the outcome of the way stands in `kids`, or would be put. */
  private findKid(way: number, answer: number): number {
    const { kids } = this;
    const mask = kids.length / KID - 1;
    const hash = Math.imul(way, 0x9e3779b1) + Math.imul(answer + 2, 0x85ebca6b);
    for (let n = (hash ^ (hash >>> 15)) & mask; ; n = (n + 1) & mask) {
      const at = n * KID;
      if (kids[at] === -1 || (kids[at] === way && kids[at + 1] === answer)) return at;
    }
  }

  private growKids(): void {
    const old = this.kids;
    this.kids = new Int32Array(old.length * 2).fill(-1);
    for (let at = 0; at < old.length; at += KID) {
      if (old[at] === -1) continue;
      const to = this.findKid(old[at] as number, old[at + 1] as number);
      this.kids.set(old.subarray(at, at + KID), to);
    }
  }
}
