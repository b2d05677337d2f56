/** Sees every state and step of a search, and keeps what is wrong with them and what was to be reached. */
import type { Variant } from '../model/scenario.ts';
import { StatePredicate } from '../tables/predicate.ts';
import type { Program } from '../tables/program.ts';
import type { Choice } from './choice.ts';
import type { Sighting } from './found.ts';
import { Judge } from './judge.ts';

const NOTHING: readonly number[] = [];

/** The places of the state that predicates have read. */
export interface Reads {
  readonly always: ReadonlySet<number>;
  /** By predicate. */
  readonly sometimes: ReadonlyMap<string, ReadonlySet<number>>;
}

interface Seen<At> {
  readonly fault: number;
  readonly primary: boolean;
  readonly at: At;
  /** The step that raised it; null for a state that is wrong. */
  readonly step: Choice | null;
}

/** What a witness has seen, as it can be written down. */
export interface Account<At> {
  readonly faults: Judge['known'];
  readonly reachedEnd: boolean;
  readonly seen: readonly Seen<At>[];
  readonly reached: readonly boolean[];
  /** By rule and then by goal, the places of the state that it has read. */
  readonly read: readonly (readonly number[])[];
}

/** @typeParam At how the search names a state, so that it can say later which way leads there */
export class Witness<At> {
  readonly judge: Judge;
  private readonly program: Program;
  private readonly seen = new Map<number, Seen<At>>();
  private readonly wanted: { readonly predicate: StatePredicate<boolean>; reached: boolean }[];

  constructor(program: Program, variant: Variant) {
    this.program = program;
    this.judge = new Judge(program, variant);
    this.wanted = Object.entries(variant.sometimes).map(([name, test]) => ({
      predicate: new StatePredicate<boolean>(program, name, test),
      reached: false,
    }));
  }

  /** @returns whether the state is wrong: then whatever is met after it is a consequence, and the steps out of it taint */
  state(state: Int32Array, at: At): boolean {
    for (const wanted of this.wanted) wanted.reached ||= wanted.predicate.of(state);
    if (!this.judge.isWrong(state)) return false;
    for (const fault of this.judge.ofState(state, false)) this.add(fault, !this.program.isTainted(state), at, null);
    return true;
  }

  /** To be called right after `program.take`. */
  step(state: Int32Array, wrong: boolean, at: At, step: Choice): void {
    if (this.program.splats === 0) return;
    const primary = !wrong && !this.program.isTainted(state);
    for (const fault of this.judge.ofStep(state, step.thread)) this.add(fault, primary, at, step);
  }

  /** No thread can move: deadlocks, what must hold at the end, what is left over. */
  end(state: Int32Array, wrong: boolean, at: At): void {
    const before = wrong ? this.judge.ofState(state, false) : NOTHING;
    const primary = !wrong && !this.program.isTainted(state);
    for (const fault of this.judge.ofState(state, true)) if (!before.includes(fault)) this.add(fault, primary, at, null);
  }

  /** The places of the state that what must hold and what must be reached have read so far. */
  get reads(): Reads {
    return {
      always: this.judge.watched,
      sometimes: new Map(this.wanted.map(({ predicate }) => [predicate.name, predicate.everRead])),
    };
  }

  get sometimes(): readonly { readonly name: string; readonly reached: boolean }[] {
    return this.wanted.map(({ predicate, reached }) => ({ name: predicate.name, reached }));
  }

  /** What has been seen of each fault: at best, where nothing came before it. */
  sightings(wayTo: (at: At) => readonly Choice[]): readonly Sighting[] {
    return [...this.seen.values()]
      .toSorted((a, b) => a.fault - b.fault)
      .map(({ fault, primary, at, step }) => ({
        fault,
        primary,
        byStep: step !== null,
        way: () => [...wayTo(at), ...(step === null ? [] : [step])],
      }));
  }

  private add(fault: number, primary: boolean, at: At, step: Choice | null): void {
    const known = this.seen.get(fault);
    if (known === undefined || (primary && !known.primary)) this.seen.set(fault, { fault, primary, at, step });
  }

  /** What is to be reached, with all that it has been asked. */
  get goals(): readonly StatePredicate<boolean>[] {
    return this.wanted.map(({ predicate }) => predicate);
  }

  /** What is to be reached, and has not been so far. */
  get missed(): readonly StatePredicate<boolean>[] {
    return this.wanted.flatMap(({ predicate, reached }) => (reached ? [] : [predicate]));
  }

  /** All that it has seen, for one that is to take up where this one ends. */
  get account(): Account<At> {
    const { known, reachedEnd, rules } = this.judge;
    const places = (predicates: readonly StatePredicate<unknown>[]) => predicates.map(({ everRead }) => [...everRead]);
    return {
      faults: known,
      reachedEnd,
      seen: [...this.seen.values()],
      reached: this.wanted.map(({ reached }) => reached),
      read: places([...rules, ...this.goals]),
    };
  }

  resume({ faults, reachedEnd, seen, reached, read }: Account<At>): void {
    this.judge.resume(faults, reachedEnd);
    for (const one of seen) this.seen.set(one.fault, one);
    for (const [i, wanted] of this.wanted.entries()) wanted.reached = reached[i] as boolean;
    for (const [i, { everRead }] of [...this.judge.rules, ...this.goals].entries())
      for (const place of read[i] as readonly number[]) everRead.add(place);
  }
}
