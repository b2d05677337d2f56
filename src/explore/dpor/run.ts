/** The run that the search is on: its steps and states as a stack, with the order in which its steps depend on each other. */
import type { Program } from '../../tables/program.ts';
import type { Choice } from '../choice.ts';
import { type Acquire, DEPENDS, type Footprint, type Footprints, isAmong, RACES, racesOf } from './footprint.ts';

/** A step of the run that makes data races with the one that was taken last. */
export interface Unordered {
  readonly earlier: number;
  readonly slots: readonly number[];
}

/** A step before which its thread has not taken any. */
const NO_STEP = -1;

export class Run {
  /** How many steps have been taken. */
  length = 0;
  readonly footprints: Footprints;
  private readonly program: Program;
  private readonly threads: number;
  /** The state before each step, and after the last. */
  private readonly states: Int32Array[] = [];
  private readonly steps: Footprint[] = [];
  /** By step: the one before it by its thread. */
  private readonly previous: number[] = [];
  /** By thread: its last step, and how often it has gone round. */
  private readonly last: Int32Array;
  private readonly turns: Int32Array;
  /** By step and thread: how many steps of that thread happen before it, itself among them. */
  private clocks = new Int32Array(1 << 10);
  /** The same where only synchronisation orders. */
  private syncClocks = new Int32Array(1 << 10);
  /** By step: the earlier steps of other threads on which it depends, with nothing in between. */
  private readonly races: number[][] = [];
  /** The steps that access a field of the last one, so that it is a race if nothing orders them. */
  private readonly candidates: number[] = [];
  private readonly scratch: Int32Array;

  constructor(program: Program, footprints: Footprints) {
    this.program = program;
    this.footprints = footprints;
    this.threads = program.threads;
    this.states.push(program.initial());
    this.last = new Int32Array(this.threads).fill(NO_STEP);
    this.turns = new Int32Array(this.threads);
    this.scratch = new Int32Array(this.threads);
  }

  state(at: number): Int32Array {
    return (this.states[at] ??= new Int32Array(this.program.width));
  }

  step(at: number): Footprint {
    return this.steps[at] as Footprint;
  }

  /** The steps that the step at this place may change places with. */
  racesOf(at: number): readonly number[] {
    return this.races[at] as number[];
  }

  /** The step of the same thread before it; -1 if there is none. */
  before(at: number): number {
    return this.previous[at] as number;
  }

  lastOf(thread: number): number {
    return this.last[thread] as number;
  }

  turnsOf(thread: number): number {
    return this.turns[thread] as number;
  }

  happensBefore(first: number, second: number): boolean {
    const { thread } = this.step(first);
    return this.clock(this.clocks, second, thread) >= this.clock(this.clocks, first, thread);
  }

  /** The steps without which these would not have come about, and they themselves, in an order in which they can be taken. */
  pastOf(...places: readonly number[]): readonly number[] {
    const past: number[] = [];
    const end = Math.max(...places);
    for (let at = 0; at <= end; at++) if (places.some((place) => at <= place && this.happensBefore(at, place))) past.push(at);
    return past;
  }

  choices(places: readonly number[]): readonly Choice[] {
    return places.map((at) => {
      const { thread, way } = this.step(at);
      return { thread, way: way - this.program.position(this.state(at), thread).firstWay };
    });
  }

  /** The step has been taken, and `state(length + 1)` is what it led to. */
  push(step: Footprint): void {
    const at = this.length++;
    const { thread } = step;
    this.steps[at] = step;
    this.previous[at] = this.last[thread] as number;
    this.last[thread] = at;
    if (step.wentRound) this.turns[thread] = (this.turns[thread] as number) + 1;
    if (this.length * this.threads > this.clocks.length) this.grow();
    this.beginClock(this.clocks, at);
    this.beginClock(this.syncClocks, at);
    this.order(at, step);
  }

  pop(): Footprint {
    const at = --this.length;
    const step = this.step(at);
    const { thread } = step;
    this.last[thread] = this.previous[at] as number;
    if (step.wentRound) this.turns[thread] = (this.turns[thread] as number) - 1;
    return step;
  }

  /**
   * From the last step back to the first: what is not yet known to happen before it when its turn comes, and depends, has
   * nothing in between.
   */
  private order(at: number, { shape, thread }: Footprint): void {
    const races = (this.races[at] ??= []);
    races.length = 0;
    this.candidates.length = 0;
    for (let earlier = at - 1; earlier >= 0; earlier--) {
      const other = this.steps[earlier] as Footprint;
      if (other.thread === thread) continue;
      const relation = this.footprints.relate(shape, other.shape);
      if (relation === 0) continue;
      if ((relation & DEPENDS) !== 0 && !this.happensBefore(earlier, at)) {
        races.push(earlier);
        this.join(this.clocks, at, earlier);
      }
      if ((relation & RACES) !== 0) this.candidates.push(earlier);
    }
    for (const acquire of shape.syncs.acquires)
      if (acquire.within === null) this.acquire(this.syncClocks.subarray(at * this.threads), at, acquire);
  }

  /** With which earlier steps the last one makes a data race. */
  get dataRaces(): readonly Unordered[] {
    const at = this.length - 1;
    return this.candidates.flatMap((earlier) => {
      const { thread, shape } = this.step(earlier);
      const then = this.clock(this.syncClocks, earlier, thread);
      if (this.clock(this.syncClocks, at, thread) >= then) return [];
      const slots = racesOf(this.step(at).shape, shape).filter((slot) => !this.isBehindPointer(at, slot, thread, then));
      return slots.length === 0 ? [] : [{ earlier, slots }];
    });
  }

  /** The thread has come to the slot through a pointer that was published after that step of the other. */
  private isBehindPointer(at: number, slot: number, other: number, then: number): boolean {
    const path = this.program.world.slots[slot]?.path ?? '';
    for (let own = at; own !== NO_STEP; own = this.before(own))
      for (const acquire of this.step(own).shape.syncs.acquires) {
        if (acquire.within === null || !path.startsWith(`${acquire.within}.`)) continue;
        this.scratch.fill(0);
        this.acquire(this.scratch, own, acquire);
        if ((this.scratch[other] as number) >= then) return true;
      }
    return false;
  }

  /** Joins to the clock those of the releases from which the step at this place acquires. */
  private acquire(clock: Int32Array, at: number, { slot, after }: Acquire): void {
    for (let earlier = at - 1; earlier >= 0; earlier--) {
      const { releases, hides } = (this.steps[earlier] as Footprint).shape.syncs;
      for (const released of releases) if (released.slot === slot && isAmong(after, released.event)) this.joinTo(clock, earlier);
      if (hides.includes(slot)) return;
    }
  }

  private joinTo(clock: Int32Array, earlier: number): void {
    const from = earlier * this.threads;
    for (let i = 0; i < this.threads; i++)
      if ((clock[i] as number) < (this.syncClocks[from + i] as number)) clock[i] = this.syncClocks[from + i] as number;
  }

  private clock(clocks: Int32Array, at: number, thread: number): number {
    return clocks[at * this.threads + thread] as number;
  }

  private beginClock(clocks: Int32Array, at: number): void {
    const { threads } = this;
    const previous = this.previous[at] as number;
    const from = at * threads;
    if (previous === NO_STEP) clocks.fill(0, from, from + threads);
    else clocks.copyWithin(from, previous * threads, (previous + 1) * threads);
    const own = from + this.step(at).thread;
    clocks[own] = (clocks[own] as number) + 1;
  }

  private join(clocks: Int32Array, at: number, earlier: number): void {
    const { threads } = this;
    const [into, from] = [at * threads, earlier * threads];
    for (let i = 0; i < threads; i++)
      if ((clocks[into + i] as number) < (clocks[from + i] as number)) clocks[into + i] = clocks[from + i] as number;
  }

  private grow(): void {
    const [clocks, syncClocks] = [new Int32Array(this.clocks.length * 2), new Int32Array(this.clocks.length * 2)];
    clocks.set(this.clocks);
    syncClocks.set(this.syncClocks);
    [this.clocks, this.syncClocks] = [clocks, syncClocks];
  }
}
