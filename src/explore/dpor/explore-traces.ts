/**
 * Optimal dynamic partial-order reduction: of the runs that differ only in the order of independent steps exactly one is
 * taken, to its end. No states are stored. After each complete run `Reversals` says where another one branches off.
 */
import type { Variant } from '../../model/scenario.ts';
import type { Program } from '../../tables/program.ts';
import { rehearse } from '../../tables/rehearsal.ts';
import type { Found, Progress, Search } from '../found.ts';
import { Causality, type DataRace } from './causality.ts';
import { type Dependence, type Footprint, Footprints } from './footprint.ts';
import { Reversals } from './reversals.ts';
import { Run } from './run.ts';
import type { Branch } from './wakeup-tree.ts';

export interface TraceLimits {
  readonly dependence?: Dependence;
  /** A thread that has gone round so often, in its loops or from its end to its beginning, stands still. */
  readonly maxTurns?: number;
  readonly maxTraces?: number;
  /** Told the state in which each run ends, but for those that a bound has cut. */
  readonly onEnd?: (state: Int32Array) => void;
}

/** `states` counts the states met along the runs, one that is met again as often as it is met. */
export interface Traced extends Found {
  readonly traces: number;
  /** Runs that a sleep set cut short. An engine that does what it claims has none. */
  readonly cutShort: number;
  readonly races: readonly DataRace[];
}

const DEFAULT_TURNS = 3;
const STEPS_PER_TURN = 4096;

export function* exploreTraces(program: Program, variant: Variant, limits: TraceLimits = {}): Search<Traced> {
  const causality = new Causality(program, variant);
  for (;;) {
    const pass = new Pass(program, causality, limits);
    const cut = yield* pass.explore();
    // On a relation that was too small runs are missing, and what is said to come before what is not true.
    if (pass.learned && cut === null) continue;
    rehearse(program, program.initial());
    return { program, judge: causality.judge, ...pass.result(cut ?? pass.bound) };
  }
}

/** One exploration with the dependence that is known at its beginning. */
class Pass {
  private readonly program: Program;
  private readonly causality: Causality;
  private readonly footprints: Footprints;
  private readonly run: Run;
  private readonly reversals: Reversals;
  private readonly maxTurns: number;
  private readonly maxTraces: number;
  private readonly onEnd: ((state: Int32Array) => void) | undefined;
  private readonly known: number;
  /** By how many steps have been taken: what need not begin there, and what is still to. */
  private readonly asleep: Footprint[][] = [[]];
  private readonly trees: Branch[][] = [[]];
  /** No step has been taken from here yet. */
  private isNew = true;
  private traces = 0;
  private cutShort = 0;
  private steps = 0;
  private depth = 0;
  private metBound = false;

  constructor(program: Program, causality: Causality, limits: TraceLimits) {
    const { dependence = 'location', maxTurns = DEFAULT_TURNS, maxTraces = Infinity } = limits;
    this.program = program;
    this.causality = causality;
    this.maxTurns = maxTurns;
    this.maxTraces = maxTraces;
    this.onEnd = limits.onEnd;
    const { everRead } = causality;
    this.known = sizeOf(everRead);
    this.footprints = new Footprints(
      program,
      dependence,
      everRead.map((places) => new Set(places)),
    );
    this.run = new Run(program, this.footprints);
    this.reversals = new Reversals(program, this.run, {
      asleep: (at) => this.asleep[at] as Footprint[],
      tree: (at) => this.trees[at] as Branch[],
    });
    causality.begin(this.run);
  }

  /** Predicates have looked where nobody knew that they would. */
  get learned(): boolean {
    return sizeOf(this.causality.everRead) > this.known;
  }

  get bound(): string | null {
    return this.metBound ? `loops at ${this.maxTurns} turns` : null;
  }

  result(cut: string | null): Omit<Traced, 'program' | 'judge'> {
    const { traces, cutShort, steps, depth } = this;
    const { sightings, sometimes, races } = this.causality;
    return { sightings, sometimes, races, traces, cutShort, states: steps + 1, steps, depth, cut, estimate: null };
  }

  /** @returns why it was stopped; null if it came to its end, or if there is something to begin anew with */
  *explore(): Generator<Progress, string | null, string | null> {
    while (!this.learned) {
      if (this.goOn()) {
        if (++this.steps % STEPS_PER_TURN !== 0) continue;
        const { traces, depth, steps } = this;
        const why = yield { states: steps + 1, traces, depth, share: null };
        if (why !== null) return why;
        continue;
      }
      if (this.isNew) this.endRun();
      if (this.run.length === 0) return null;
      if (this.traces >= this.maxTraces && this.hasMore()) return `${this.maxTraces} traces`;
      this.goBack();
    }
    return null;
  }

  /** @returns false if nothing more is to be taken from here */
  private goOn(): boolean {
    const at = this.run.length;
    const tree = this.trees[at] as Branch[];
    const branch = tree.shift();
    if (branch !== undefined) return this.take(branch.step.thread, branch.step.way, branch.onward);
    if (!this.isNew) return false;
    const last = at === 0 ? 0 : this.run.step(at - 1).thread;
    const { threads } = this.program;
    for (let i = 0; i < threads; i++) if (this.takeAny((last + i) % threads)) return true;
    return false;
  }

  private takeAny(thread: number): boolean {
    if (this.standsStill(thread)) return false;
    const at = this.run.length;
    const { firstWay, ways } = this.program.position(this.run.state(at), thread);
    for (let way = firstWay; way < firstWay + ways; way++)
      if (!(this.asleep[at] as Footprint[]).some((step) => step.way === way) && this.take(thread, way, [])) return true;
    return false;
  }

  private take(thread: number, way: number, onward: Branch[]): boolean {
    const { program, run } = this;
    const at = run.length;
    const before = run.state(at);
    const after = run.state(at + 1);
    if (!program.take(before, thread, way, after)) return false;
    const step = this.footprints.of(before, thread, way, after);
    run.push(step);
    this.causality.step(run);
    const asleep = this.asleep[at] as Footprint[];
    this.asleep[at + 1] = asleep.filter((other) => other.thread !== thread && !this.footprints.depend(step, other));
    this.trees[at + 1] = onward;
    this.isNew = true;
    if (at >= this.depth) this.depth = at + 1;
    return true;
  }

  private goBack(): void {
    const step = this.run.pop();
    (this.asleep[this.run.length] as Footprint[]).push(step);
    this.isNew = false;
  }

  private endRun(): void {
    const { program, run } = this;
    const state = run.state(run.length);
    const moves = (thread: number) => !this.standsStill(thread) && program.anyEnabled(state, thread);
    if (program.world.threads.some((_, thread) => moves(thread))) {
      this.cutShort++;
      return;
    }
    this.traces++;
    this.metBound ||= program.world.threads.some(
      (_, thread) => this.standsStill(thread) && program.position(state, thread).ways > 0,
    );
    if (program.isTerminal(state)) {
      this.causality.end(run);
      this.onEnd?.(state);
    }
    this.reversals.propose((thread) => !this.standsStill(thread));
  }

  private hasMore(): boolean {
    return this.trees.some((tree, at) => at <= this.run.length && tree.length > 0);
  }

  private standsStill(thread: number): boolean {
    return this.run.turnsOf(thread) >= this.maxTurns;
  }
}

function sizeOf(sets: readonly ReadonlySet<number>[]): number {
  let sum = 0;
  for (const { size } of sets) sum += size;
  return sum;
}
