/**
 * What a complete run tells of other runs: each step that could have come before one on which it depends, or in another
 * way, or at all, if what kept it waiting had come later.
 *
 * A reversal leaves out some steps of the run, with all that happens after them, and takes one step instead: what is left
 * can still be taken, for none of it depends on what was left out. It is a true beginning of a run, and where it begins
 * nothing that is explored already, it goes into the wake-up tree at the first step left out. To propose too many of them
 * costs time and nothing else; to propose too few loses runs. Three kinds are enough.
 *
 * - A step and an earlier one on which it depends with nothing in between: the earlier one is left out.
 * - A step of several ways, of which another was taken: that one is left out.
 * - A step that is, at the end or for a while, kept waiting. Where it has to wait depends on nothing but what the slots
 *   hold to which it speaks; so for each of these some write, and whatever came after it, is left out, in every
 *   combination. It takes part whether it was taken at last, in this or another way, or waits at the end. Where it need not
 *   wait because memory is freed to which it speaks, and it is stopped there, the free counts among the writes.
 *
 * Why the last is needed: `lock; unlock ‖ lock`. The second lock depends on the unlock, which is next to it and cannot be
 * left out, as the lock is not to be had without it. It is the first lock that has to give way.
 */
import type { Program } from '../../tables/program.ts';
import { type Footprint, type Footprints, isGuard, mayWait, WRITE } from './footprint.ts';
import type { Run } from './run.ts';
import { type Branch, canBegin, insert } from './wakeup-tree.ts';

/** What is known at each point of the run. */
export interface Frontier {
  readonly asleep: (at: number) => readonly Footprint[];
  readonly tree: (at: number) => Branch[];
}

/** A thread stands before a step: after its step `since`, with its step `taken` if it took it on this run. */
interface Stand {
  readonly thread: number;
  readonly since: number;
  readonly taken: number | null;
  /** Which position that is, by the state before the step. */
  readonly state: Int32Array;
}

/** Of one slot: what may be left out, by the first write among it. */
type Cuts = readonly (readonly number[])[];

export class Reversals {
  private readonly program: Program;
  private readonly run: Run;
  private readonly footprints: Footprints;
  private readonly frontier: Frontier;
  private readonly before: Int32Array;
  private readonly after: Int32Array;
  /** By slot: the steps of the run that wrote there. */
  private readonly writers: number[][];
  /** By slot: the snapshots that it has had on any run, and by event how many of them were asked, and whether one makes it wait. */
  private readonly snapshots: { readonly seen: Set<number>; readonly list: number[] }[];
  private readonly waits: { asked: number; found: boolean }[][];

  constructor(program: Program, run: Run, frontier: Frontier) {
    this.program = program;
    this.run = run;
    this.footprints = run.footprints;
    this.frontier = frontier;
    this.before = new Int32Array(program.width);
    this.after = new Int32Array(program.width);
    this.writers = Array.from({ length: program.slots }, () => []);
    this.snapshots = Array.from({ length: program.slots }, (_, slot) => {
      const first = run.state(0)[slot] as number;
      return { seen: new Set([first]), list: [first] };
    });
    this.waits = Array.from({ length: program.slots }, () => []);
  }

  /** The run is complete. @param stands the threads that may still wait for something */
  propose(stands: (thread: number) => boolean): void {
    this.noteWriters();
    const { run } = this;
    for (let at = 0; at < run.length; at++) {
      const { thread, way } = run.step(at);
      for (const race of run.racesOf(at)) this.reverse([race], run.state(at), thread, way);
      this.elsewhere({ thread, since: run.before(at), taken: at, state: run.state(at) });
    }
    const end = run.state(run.length);
    for (let thread = 0; thread < this.program.threads; thread++)
      if (stands(thread)) this.elsewhere({ thread, since: run.lastOf(thread), taken: null, state: end });
  }

  /** The other ways of a step, and its ways at other times if it may have to wait. */
  private elsewhere(stand: Stand): void {
    const { firstWay, ways } = this.program.position(stand.state, stand.thread);
    for (let way = firstWay; way < firstWay + ways; way++) {
      const isTaken = stand.taken !== null && this.run.step(stand.taken).way === way;
      const base = stand.taken === null || isTaken ? [] : [stand.taken];
      this.combine(stand, way, this.cuts(stand, way), base);
    }
  }

  /**
   * For each slot that may keep the way waiting: the steps that may be left out so that the slot takes it. If there are any,
   * the same for the memory of which it would find that it is freed, for then it would not have looked at the others.
   */
  private cuts(stand: Stand, way: number): readonly Cuts[] {
    const { slots, events, rules } = this.program.ways[way] as Program['ways'][number];
    const waits: Cuts[] = [];
    const guards: Cuts[] = [];
    for (const [i, slot] of slots.entries()) {
      if ((this.writers[slot] as number[]).length === 0 || !mayWait(rules[i])) continue;
      const event = events[i] as number;
      const keepsWaiting = this.mayKeepWaiting(slot, event);
      if (!keepsWaiting && !isGuard(rules[i])) continue;
      const writers = this.writersToLeaveOut(stand, slot, event);
      if (writers.length > 0) (keepsWaiting ? waits : guards).push(writers);
    }
    return waits.length === 0 ? [] : [...waits, ...guards];
  }

  private writersToLeaveOut({ thread, since, taken }: Stand, slot: number, event: number): Cuts {
    const { program, run } = this;
    const others = (this.writers[slot] as number[]).filter(
      (at) =>
        run.step(at).thread !== thread &&
        (since < 0 || !run.happensBefore(at, since)) &&
        (taken === null || !run.happensBefore(taken, at)),
    );
    const takesIt = (at: number) => program.nextOf(slot, run.state(at)[slot] as number, event) >= 0;
    // Where equal writes commute, the later ones do not go with the first.
    const isOneEnough = this.footprints.dependence === 'location';
    return others.flatMap((at, i) => (takesIt(at) ? [isOneEnough ? [at] : others.slice(i)] : []));
  }

  private combine(stand: Stand, way: number, cuts: readonly Cuts[], out: readonly number[]): void {
    const [first, ...rest] = cuts;
    if (first === undefined) {
      if (out.length === 0) return;
      const all = stand.taken === null ? out : [...new Set([...out, stand.taken])];
      this.reverse(all, stand.state, stand.thread, way);
      return;
    }
    this.combine(stand, way, rest, out);
    for (const cut of first) this.combine(stand, way, rest, [...out, ...cut]);
  }

  /** Leaves out these steps and what happens after them, and takes the way instead. */
  private reverse(out: readonly number[], stand: Int32Array, thread: number, way: number): void {
    const { run, frontier, footprints } = this;
    const from = Math.min(...out);
    const kept: number[] = [];
    for (let at = from + 1; at < run.length; at++) if (!out.some((left) => run.happensBefore(left, at))) kept.push(at);
    const sequence = kept.map((at) => run.step(at));
    const asleep = [run.step(from), ...frontier.asleep(from)];
    const undecided = asleep.filter((step) => !this.isBarredBy(step, sequence, thread, way));
    if (undecided.some((step) => sequence.some((other) => other.thread === step.thread))) return;
    const last = this.take(from, kept, stand, thread, way);
    if (last === null) return;
    sequence.push(last);
    if (undecided.some((step) => canBegin(footprints, step, sequence))) return;
    insert(footprints, frontier.tree(from), sequence);
  }

  /** Whatever the last step touches, the sequence does not begin with this one. */
  private isBarredBy(step: Footprint, sequence: readonly Footprint[], thread: number, way: number): boolean {
    if (!canBegin(this.footprints, step, sequence)) return true;
    return step.thread === thread && step.way !== way && !sequence.some((other) => other.thread === thread);
  }

  /** What the way touches after the steps that were kept; null if it has to wait there. */
  private take(from: number, kept: readonly number[], stand: Int32Array, thread: number, way: number): Footprint | null {
    const { program, run, before, after } = this;
    before.set(run.state(from));
    for (const at of kept) {
      const { places, classes, thread: mover } = run.step(at).shape;
      const then = run.state(at + 1);
      for (let i = 0; i < places.length; i++) {
        const place = places[i] as number;
        if (place < program.slots && (classes[i] as number) >= WRITE) before[place] = then[place] as number;
      }
      before[program.slots + mover] = then[program.slots + mover] as number;
    }
    before[program.slots + thread] = stand[program.slots + thread] as number;
    return program.take(before, thread, way, after) ? this.footprints.of(before, thread, way, after) : null;
  }

  private noteWriters(): void {
    const { program, run } = this;
    for (const writers of this.writers) writers.length = 0;
    for (let at = 0; at < run.length; at++) {
      const { places, classes } = run.step(at).shape;
      for (let i = 0; i < places.length; i++) {
        const slot = places[i] as number;
        if (slot >= program.slots || (classes[i] as number) < WRITE) continue;
        (this.writers[slot] as number[]).push(at);
        const { seen, list } = this.snapshots[slot] as (typeof this.snapshots)[number];
        const snapshot = run.state(at + 1)[slot] as number;
        if (seen.has(snapshot)) continue;
        seen.add(snapshot);
        list.push(snapshot);
      }
    }
  }

  private mayKeepWaiting(slot: number, event: number): boolean {
    const asked = ((this.waits[slot] as (typeof this.waits)[number])[event] ??= { asked: 0, found: false });
    const { list } = this.snapshots[slot] as (typeof this.snapshots)[number];
    while (!asked.found && asked.asked < list.length)
      asked.found = this.program.nextOf(slot, list[asked.asked++] as number, event) < 0;
    return asked.found;
  }
}
