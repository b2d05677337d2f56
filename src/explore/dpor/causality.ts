/**
 * What is wrong on the runs, one of each class of runs that differ only in the order of independent steps.
 *
 * On the run that stands for its class a finding may come before another merely by the order that was chosen. So it is
 * asked what must come before. Some schedule reaches a fault with no finding before it if and only if on some run nothing
 * in the causal past of the step that shows it is wrong: in one direction, the causal past alone is a schedule; in the
 * other, a schedule that reaches it can be gone on with to a complete run, of which the class is explored, and the causal
 * past of the step lies within what the schedule had taken. For this a state must be as wrong in one order as in the
 * other: whatever changes what a predicate looks at is ordered, so that along the whole class it sees the same, one
 * thing after the other.
 */
import type { Variant } from '../../model/scenario.ts';
import { StatePredicate } from '../../tables/predicate.ts';
import type { Position, Program } from '../../tables/program.ts';
import type { Choice } from '../choice.ts';
import type { Sighting } from '../found.ts';
import { Judge } from '../judge.ts';
import { racesOf } from './footprint.ts';
import type { Run } from './run.ts';

/** Two accesses to one field that no synchronisation orders. */
export interface DataRace {
  readonly slot: number;
  readonly threads: readonly [number, number];
  readonly positions: readonly [Position, Position];
  /** Nothing else is wrong before the two. */
  readonly primary: boolean;
  /** It ends with the later of the two accesses. */
  readonly way: () => readonly Choice[];
}

const NOTHING: readonly number[] = [];
/** More than fit into memory: two ways make one number. */
const MOST_WAYS = 2 ** 26;

export class Causality {
  readonly judge: Judge;
  private readonly program: Program;
  private readonly wanted: { readonly predicate: StatePredicate<boolean>; reached: boolean }[];
  /** Of each predicate that is asked in every state, the places that it has looked at so far. */
  readonly everRead: readonly ReadonlySet<number>[];
  private seen = new Map<number, Sighting>();
  /** By the two ways that race. */
  private found = new Map<number, readonly DataRace[]>();
  /** By state of the run: what is wrong with it. By step: whether it shows something wrong. */
  private readonly wrong: (readonly number[])[] = [];
  private readonly shows: boolean[] = [];

  constructor(program: Program, variant: Variant) {
    this.program = program;
    this.judge = new Judge(program, variant);
    this.wanted = Object.entries(variant.sometimes).map(([name, test]) => ({
      predicate: new StatePredicate<boolean>(program, name, test),
      reached: false,
    }));
    this.everRead = [...this.judge.invariants, ...this.wanted.map(({ predicate }) => predicate)].map(({ everRead }) => everRead);
  }

  get sightings(): readonly Sighting[] {
    return [...this.seen.values()].toSorted((a, b) => a.fault - b.fault);
  }

  get races(): readonly DataRace[] {
    return [...this.found.values()].flat();
  }

  get sometimes(): readonly { readonly name: string; readonly reached: boolean }[] {
    return this.wanted.map(({ predicate, reached }) => ({ name: predicate.name, reached }));
  }

  /** A pass begins: nothing that an earlier one made of what came before what is kept. */
  begin(run: Run): void {
    this.seen = new Map();
    this.found = new Map();
    const wrong = this.lookAt(run.state(0));
    this.wrong[0] = wrong;
    for (const fault of wrong) this.add(fault, true, false, NOTHING, run);
  }

  /** The last step of the run, right after `program.take`. */
  step(run: Run): void {
    const at = run.length - 1;
    const { raised } = this.program;
    const splats = raised.length === 0 ? NOTHING : this.judge.ofStep(run.state(at), run.step(at).thread);
    const before = this.wrong[at] as readonly number[];
    const now = this.lookAt(run.state(at + 1));
    const states =
      now.length === 0 ? NOTHING : [...new Set([...now.filter((fault) => !before.includes(fault)), ...this.wherever(run)])];
    this.wrong[at + 1] = now;
    this.shows[at] = splats.length > 0 || states.length > 0;
    if (this.shows[at]) this.judgeStep(run, splats, states);
    for (const earlier of run.dataRaces) this.addRaces(run, earlier, at);
  }

  /** What is wrong with where the last step has led its thread, though another thread may stand there, too. */
  private wherever(run: Run): readonly number[] {
    const state = run.state(run.length);
    const { thread } = run.step(run.length - 1);
    return this.program.isWrongByItself(state[this.program.slots + thread] as number)
      ? this.judge.ofStanding(state, thread)
      : NOTHING;
  }

  private judgeStep(run: Run, splats: readonly number[], states: readonly number[]): void {
    const at = run.length - 1;
    const past = run.pastOf(at);
    const primary = this.isClean(past.slice(0, -1));
    for (const fault of splats) this.add(fault, primary, true, past, run);
    for (const fault of states) this.add(fault, primary && splats.length === 0, false, past, run);
  }

  /** No thread can move. What is wrong now comes after everything. */
  end(run: Run): void {
    const all = Array.from({ length: run.length }, (_, at) => at);
    const before = this.wrong[run.length] as readonly number[];
    const faults = this.judge.ofState(run.state(run.length), true);
    if (faults.length === 0) return;
    const primary = this.isClean(all);
    for (const fault of faults) if (!before.includes(fault)) this.add(fault, primary, false, all, run);
  }

  private isClean(steps: readonly number[]): boolean {
    return (this.wrong[0] as readonly number[]).length === 0 && !steps.some((at) => this.shows[at]);
  }

  private lookAt(state: Int32Array): readonly number[] {
    for (const wanted of this.wanted) wanted.reached = wanted.predicate.of(state) || wanted.reached;
    return this.judge.ofState(state, false);
  }

  private add(fault: number, primary: boolean, byStep: boolean, steps: readonly number[], run: Run): void {
    const known = this.seen.get(fault);
    if (known !== undefined && (known.primary || !primary)) return;
    const choices = run.choices(steps);
    this.seen.set(fault, { fault, primary, byStep, way: () => choices });
  }

  private addRaces(run: Run, earlier: number, at: number): void {
    const [first, second] = [run.step(earlier), run.step(at)];
    const pair = Math.min(first.way, second.way) * MOST_WAYS + Math.max(first.way, second.way);
    const known = this.found.get(pair);
    if (known?.every(({ primary }) => primary)) return;
    const past = run.pastOf(earlier, at);
    const primary = this.isClean(past.filter((step) => step !== earlier && step !== at));
    if (known !== undefined && !primary) return;
    const choices = run.choices(past);
    const threads = [first.thread, second.thread] as const;
    const positions = [
      this.program.position(run.state(earlier), first.thread),
      this.program.position(run.state(at), second.thread),
    ] as const;
    const slots = racesOf(second.shape, first.shape);
    this.found.set(
      pair,
      slots.map((slot) => ({ slot, threads, positions, primary, way: () => choices })),
    );
  }
}
