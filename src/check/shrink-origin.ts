/**
 * Whether a counterexample of a design without some of its calls is a run of the design as it stands.
 *
 * Without a call, most designs are wrong in ways in which they are not with it: a lock that is not taken, a field that is
 * not set. So a smaller counterexample counts only where the original has a run that is the same but for the steps of the
 * calls that are left out, and in that run
 *
 *  - a call that is left out is never interrupted, or is not made at all;
 *  - whenever none of them is under way, every object that a later step of the smaller counterexample touches is as it is
 *    there, and so is what the fault reads: each call that is left out puts back what it changes of these, or changes nothing;
 *  - the steps that are shown come in the same order, with the same locks held, and nothing is found wrong before the end;
 *  - the end is the same fault, as the original judges it.
 *
 * Of a data race the end is the state in which both accesses are next, and the two follow.
 *
 * What a step does depends on the objects that it touches alone, and what a thread does next on the answers it has had. So
 * each step that is shown does in the original just what is shown: it gets the same answer and makes the same changes.
 *
 * That each call by itself puts back what it changes is more than that they do so together. One that sets a field and
 * another that clears it again are both of no effect, and yet the finding may be that it was cleared: what was never set
 * need not be. This refuses some calls that are not needed, and shows none that the finding rests on as such.
 */
import type { Choice } from '../explore/choice.ts';
import { RACE } from '../explore/judge.ts';
import { CoEnabled } from '../explore/races/co-enabled.ts';
import { VisitedSet } from '../explore/visited-set.ts';
import { snapshotKey } from '../tables/machine-table.ts';
import type { Position, Program } from '../tables/program.ts';
import type { Subject } from './describe.ts';

/** A way to a fault, in the design without the calls. */
export interface Shown {
  /** The key by which the judges of both designs know the fault. */
  readonly fault: string;
  readonly choices: readonly Choice[];
  readonly byStep: boolean;
}

const MOST_NODES = 20_000;
const NONE = -1;

/** @returns a run of the original that shows the same, with the steps of the calls that were left out; null if none is found */
export function originOf(original: Subject, reduced: Subject, shown: Shown): readonly Choice[] | null {
  if (!shown.fault.startsWith(RACE)) return new Origin(original, reduced, shown).find();
  const accesses = shown.choices.slice(-2);
  const before = { ...shown, choices: shown.choices.slice(0, -2), byStep: false };
  const choices = new Origin(original, reduced, before, accesses).find();
  return choices && [...choices, ...accesses];
}

class Origin {
  private readonly program: Program;
  private readonly original: Subject;
  private readonly reduced: Subject;
  private readonly shown: Shown;
  /** The states of the smaller design, before each step and after the last. */
  private readonly states: readonly Int32Array[];
  /** By how many steps have been shown: the slots that later ones touch, and those that the fault reads. */
  private readonly watched: readonly ReadonlySet<number>[];

  /** A node is a state, how many of the steps shown have been taken, and the thread that is in a call that is left out. */
  private readonly visited: VisitedSet;
  private readonly parents: number[] = [];
  private readonly choices: (Choice | null)[] = [];
  private readonly open: number[] = [];

  /** Of a data race, the two steps that come after what is shown. */
  private readonly accesses: readonly Choice[];
  private readonly races: CoEnabled;

  constructor(original: Subject, reduced: Subject, shown: Shown, accesses: readonly Choice[] = []) {
    this.program = original.program;
    this.original = original;
    this.reduced = reduced;
    this.shown = shown;
    this.accesses = accesses;
    this.races = new CoEnabled(original.program, original.judge);
    this.states = statesOf(reduced.program, shown.choices);
    this.watched = this.whatMatters();
    this.visited = new VisitedSet(this.program.width + 2);
  }

  find(): readonly Choice[] | null {
    const { program, visited } = this;
    const at = new Int32Array(program.width + 2);
    const state = at.subarray(0, program.width);
    this.reach(program.initial(), 0, NONE, -1, null);
    for (let node = this.open.pop(); node !== undefined && visited.size < MOST_NODES; node = this.open.pop()) {
      visited.get(node, at);
      const [taken, within] = [at[program.width] as number, at[program.width + 1] as number];
      if (this.isThere(state, taken, within)) return this.pathTo(node);
      if (this.original.judge.ofState(state, false).length > 0) continue;
      // What is put in last is tried first: the step that is shown, then the call that stands before it.
      const next = this.shown.choices[taken];
      const wanted = next?.thread ?? NONE;
      if (within === NONE) {
        for (let thread = 0; thread < program.threads; thread++) if (thread !== wanted) this.goOn(node, state, taken, thread);
        if (wanted !== NONE) this.goOn(node, state, taken, wanted);
      } else this.goOn(node, state, taken, within);
      if (next === undefined || within !== NONE) continue;
      const after = this.show(state, next, taken);
      if (after === 'there') return [...this.pathTo(node), next];
      if (after !== null) this.reach(after, taken + 1, NONE, node, next);
    }
    return null;
  }

  /** A step of a call that is left out, whichever way it goes. */
  private goOn(node: number, state: Int32Array, taken: number, thread: number): void {
    const { program } = this;
    const { firstWay, ways } = program.position(state, thread);
    if (!this.isLeftOut(program.position(state, thread))) return;
    for (let way = 0; way < ways; way++) {
      const next = new Int32Array(program.width);
      if (!program.take(state, thread, firstWay + way, next) || program.raised.length > 0) continue;
      const choice = { thread, way };
      const hasReturned = program.returned;
      if (!hasReturned || this.isLeftOut(program.position(next, thread))) this.reach(next, taken, thread, node, choice);
      if (hasReturned && this.isAsShown(next, taken)) this.reach(next, taken, NONE, node, choice);
    }
  }

  /** The next step that is shown, if the thread stands before the very same. */
  private show(state: Int32Array, { thread, way }: Choice, taken: number): Int32Array | 'there' | null {
    const { program } = this;
    const here = program.position(state, thread);
    const there = this.reduced.program.position(this.states[taken] as Int32Array, thread);
    if (this.isLeftOut(here) || !isSame(here, there)) return null;
    const next = new Int32Array(program.width);
    if (!program.take(state, thread, here.firstWay + way, next)) return null;
    const isLast = taken + 1 === this.shown.choices.length;
    if (isLast && this.shown.byStep) return this.is(this.original.judge.ofStep(state, thread)) ? 'there' : null;
    return program.raised.length === 0 ? next : null;
  }

  /** The state is wrong as it is shown to be, and was not before. */
  private isThere(state: Int32Array, taken: number, within: number): boolean {
    const { judge } = this.original;
    if (this.shown.byStep || taken < this.shown.choices.length) return false;
    const isTerminal = this.program.isTerminal(state);
    if (within !== NONE && !(isTerminal && this.isAsShown(state, taken))) return false;
    const wrong = judge.ofState(state, false);
    if (this.accesses.length > 0) return wrong.length === 0 && within === NONE && this.isRace(state);
    return this.is(wrong) || (wrong.length === 0 && isTerminal && this.is(judge.ofState(state, true)));
  }

  private isRace(state: Int32Array): boolean {
    const shown = this.states.at(-1) as Int32Array;
    const areNext = this.accesses.every(({ thread }) =>
      isSame(this.program.position(state, thread), this.reduced.program.position(shown, thread)),
    );
    return areNext && this.is(this.races.of(state).map(({ fault }) => fault));
  }

  private is(faults: readonly number[]): boolean {
    return faults.some((fault) => this.original.judge.keyOf(fault) === this.shown.fault);
  }

  private isLeftOut({ status, thread, root }: Position): boolean {
    const { name } = this.program.world.threads[thread] as { readonly name: string };
    return status === 'running' && this.reduced.variant.threads[name]?.calls[root.call]?.isLeftOut === true;
  }

  private isAsShown(state: Int32Array, taken: number): boolean {
    const shown = this.states[taken] as Int32Array;
    return [...(this.watched[taken] as ReadonlySet<number>)].every(
      (slot) => snapshotKey(this.program.snapshot(state, slot)) === snapshotKey(this.reduced.program.snapshot(shown, slot)),
    );
  }

  private whatMatters(): readonly ReadonlySet<number>[] {
    const { program, judge } = this.reduced;
    const slotsOf = ({ firstWay, ways }: Position) =>
      program.ways.slice(firstWay, firstWay + ways).flatMap(({ slots }) => [...slots]);
    const number = judge.numberOf(this.shown.fault);
    const fault = number === null ? undefined : judge.faults[number];
    const last = this.states.at(-1) as Int32Array;
    const stuck = this.shown.byStep ? [] : program.world.threads.map((_, thread) => program.position(last, thread));
    const watched = [new Set([...(fault?.reads ?? []), ...stuck.flatMap(slotsOf)])];
    for (const [i, { thread }] of [...this.shown.choices.entries()].toReversed()) {
      const touched = slotsOf(program.position(this.states[i] as Int32Array, thread));
      watched.unshift(new Set([...touched, ...(watched[0] as Set<number>)]));
    }
    return watched;
  }

  private reach(state: Int32Array, taken: number, within: number, parent: number, choice: Choice | null): void {
    const vector = new Int32Array(this.program.width + 2);
    vector.set(state);
    vector[this.program.width] = taken;
    vector[this.program.width + 1] = within;
    const added = this.visited.add(vector);
    if (added >= 0) return;
    this.parents[~added] = parent;
    this.choices[~added] = choice;
    this.open.push(~added);
  }

  private pathTo(node: number): readonly Choice[] {
    const path: Choice[] = [];
    for (let at = node; at >= 0; at = this.parents[at] as number) {
      const choice = this.choices[at];
      if (choice) path.push(choice);
    }
    return path.toReversed();
  }
}

/** The same step of the same call after the same answers, with the same locks held. */
const isSame = (one: Position, other: Position): boolean =>
  one.root.call === other.root.call &&
  one.says === other.says &&
  JSON.stringify([one.log, one.held]) === JSON.stringify([other.log, other.held]);

function statesOf(program: Program, choices: readonly Choice[]): readonly Int32Array[] {
  const states = [program.initial()];
  for (const choice of choices) {
    const state = states.at(-1) as Int32Array;
    const next = new Int32Array(program.width);
    program.choose(state, choice, next);
    states.push(next);
  }
  return states;
}
