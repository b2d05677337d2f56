/**
 * A finding without the calls and threads that it does not need.
 *
 * Each call is left out in turn, from the last of the last thread, with those that cannot be made without its result. The
 * smaller design is searched again, and what is found there is taken in place of what was known where it is the same
 * finding, costs no more preemptions, threads and steps, and is a run of the original (see `originOf`, which says what that
 * means and why). Fewest preemptions come first: no call is left out for which more of them would have to be paid.
 */
import { type Cost, findBest } from '../explore/best-search.ts';
import { Judge } from '../explore/judge.ts';
import { ModelError } from '../model/errors.ts';
import { whatIsLeftOut, withWhatNeedsThem } from '../model/leave-out.ts';
import type { Variant } from '../model/scenario.ts';
import { Program } from '../tables/program.ts';
import { accountsOf, unfreedOf } from '../trace/ledger.ts';
import { describe, type Met, type Subject } from './describe.ts';
import type { Finding } from './finding.ts';
import { originOf, type Shown } from './shrink-origin.ts';

/** What the searches of a shrinking may cost altogether, and how they are run. */
export interface Effort {
  nodes: number;
  /** Runs a search to its end, or until it is stopped. */
  readonly run: <R>(search: Generator<null, R, string | null>) => Promise<R>;
  readonly isStopped: () => boolean;
}

/** @returns the finding as it is in the smallest design that was come to; the finding itself if it needs everything */
export async function shrink(original: Subject, finding: Finding, met: Met, effort: Effort): Promise<Finding> {
  return new Shrinking(original, finding, met, effort).run();
}

class Shrinking {
  private readonly original: Subject;
  private readonly met: Met;
  private readonly effort: Effort;
  private readonly tried = new Set<string>();
  /** Who takes and puts what is left over keeps all calls: that they all end and do not give it back is what was found. */
  private readonly parties: ReadonlySet<string>;
  private best: Finding;

  constructor(original: Subject, finding: Finding, met: Met, effort: Effort) {
    this.original = original;
    this.best = finding;
    this.met = met;
    this.effort = effort;
    this.parties = finding.kind === 'leak' ? partiesTo(finding) : new Set();
  }

  async run(): Promise<Finding> {
    // Most that is not needed takes no step in the counterexample: all of that at once.
    await this.without(this.idle());
    for (let before: Finding | null = null; before !== this.best; ) {
      before = this.best;
      for (const [thread, { calls }] of Object.entries(this.original.variant.threads).toReversed()) {
        // Who has to be at its end when the fault is of the end is better left out as a whole.
        if (!this.met.byStep) await this.without([thread]);
        for (let nth = calls.length; nth > 0; nth--) await this.without([`${thread}.${nth}`]);
      }
    }
    return this.best;
  }

  /** The calls in which no step is taken, and at which nobody is stuck. */
  private idle(): readonly string[] {
    const { program, variant } = this.original;
    const state = program.initial();
    const next = state.slice();
    for (const choice of this.met.choices) {
      program.choose(state, choice, next);
      state.set(next);
    }
    const needed = new Set(this.best.trace?.steps.map(({ thread, call }) => `${thread}.${call + 1}`));
    for (const [index, { name }] of program.world.threads.entries())
      if (this.met.fault.sites.some(({ thread }) => thread === name))
        needed.add(`${name}.${program.position(state, index).root.call + 1}`);
    return callsOf(variant).filter((call) => !needed.has(call));
  }

  private async without(wanted: readonly string[]): Promise<void> {
    const more = wanted.filter((what) => !this.parties.has(what.replace(/\.\d+$/, '')));
    const variant = withWhatNeedsThem(this.original.variant, [...this.best.without, ...more]);
    const names = whatIsLeftOut(variant).join(' ');
    const { effort, tried } = this;
    if (tried.has(names) || names === this.best.without.join(' ') || effort.nodes <= 0 || effort.isStopped()) return;
    tried.add(names);
    try {
      this.best = (await this.inSmaller(variant)) ?? this.best;
    } catch (error) {
      // A predicate may ask for what is not there any more: then it is needed.
      if (!(error instanceof ModelError)) throw error;
    }
  }

  private async inSmaller(variant: Variant): Promise<Finding | null> {
    const { original, met, effort, best: known } = this;
    const program = new Program(variant);
    const judge = new Judge(program, variant);
    const reduced: Subject = { ...original, variant, program, judge };
    const fault = original.judge.keyOf(met.fault.id);
    const within = costOf(known);
    const search = findBest(program, judge, [{ fault }], { primary: true, maxNodes: effort.nodes, within });
    const { found, nodes } = await effort.run(search);
    effort.nodes -= nodes;
    const [best] = found;
    const number = judge.numberOf(fault);
    // What is wrong before anybody moves has no schedule: the design as it stands has one.
    if (best === null || best === undefined || best.choices.length === 0 || number === null) return null;
    const { choices, proven } = best;
    const { byStep } = met;
    const smaller = { fault: judge.asMet(number, choices, byStep), choices, byStep, proven: proven && met.proven };
    const finding = await describe(reduced, smaller);
    return finding.id === known.id ? inOriginal(original, reduced, finding, { fault, choices, byStep }) : null;
  }
}

/**
 * A finding of a smaller design as one of the original, which says what a kernel would print later on.
 * @returns null if the original has no such run
 */
export async function inOriginal(original: Subject, reduced: Subject, finding: Finding, shown: Shown): Promise<Finding | null> {
  const choices = originOf(original, reduced, shown);
  const number = original.judge.numberOf(shown.fault);
  if (choices === null || number === null) return null;
  const { byStep } = shown;
  const fault = original.judge.asMet(number, choices, byStep);
  const whole = await describe(original, { fault, choices, byStep, proven: false });
  return whole.id === finding.id ? { ...finding, symptom: whole.symptom } : null;
}

const partiesTo = ({ trace, object }: Finding): ReadonlySet<string> => {
  if (trace === null) return new Set();
  const posted = accountsOf(trace, object).flatMap(({ postings }) => postings.map(({ step }) => step));
  return new Set([...posted, ...unfreedOf(trace, object)].map(({ thread }) => thread));
};

const costOf = ({ preemptions, threads, trace }: Finding): Cost => ({
  preemptions,
  threads: threads.length,
  steps: trace?.steps.length ?? 0,
});

const callsOf = ({ threads }: Variant): readonly string[] =>
  Object.entries(threads).flatMap(([name, { calls }]) => calls.map((_, i) => `${name}.${i + 1}`));
