/** Answers, for threads that know no scenario, what its predicates say of a state and on which places that depends. */
import { ModelError } from '../../model/errors.ts';
import type { Variant } from '../../model/scenario.ts';
import { StatePredicate } from '../../tables/predicate.ts';
import type { Program } from '../../tables/program.ts';

/** Predicates go by number: first what must always hold, then what must be reached, last all that is asked of an end. */
export interface Predicates {
  readonly always: number;
  readonly sometimes: number;
}

export interface Verdict {
  readonly holds: boolean;
  /** In the order in which they were read; null where it depends on more than that. */
  readonly reads: readonly number[] | null;
}

export class Oracle {
  readonly predicates: Predicates;
  private readonly program: Program;
  private readonly ofAnyState: readonly StatePredicate<boolean>[];
  private readonly ofEnds: readonly StatePredicate<unknown>[];

  constructor(program: Program, { always, sometimes, atEnd, leaks }: Variant) {
    this.program = program;
    const predicates = <R>(tests: { readonly [name: string]: (view: never) => R }) =>
      Object.entries(tests).map(([name, test]) => new StatePredicate<R>(program, name, test));
    this.ofAnyState = [...predicates(always), ...predicates(sometimes)];
    this.ofEnds = [...predicates<unknown>(atEnd), ...predicates<unknown>(leaks)];
    this.predicates = { always: Object.keys(always).length, sometimes: Object.keys(sometimes).length };
  }

  /** @param strict else a predicate that throws is left to the judge, who is shown the state in its turn */
  verdict(number: number, state: Int32Array, strict: boolean): Verdict {
    try {
      return this.evaluate(number, state);
    } catch (error) {
      if (strict || !(error instanceof ModelError)) throw error;
      return { holds: true, reads: null };
    }
  }

  private evaluate(number: number, state: Int32Array): Verdict {
    const predicate = this.ofAnyState[number];
    if (predicate === undefined) return this.ofEnd(state);
    const holds = predicate.evaluate(state);
    return { holds, reads: predicate.isMemorable ? unrepeated(predicate.lastReads) : null };
  }

  /** What is wrong at an end depends on where the threads stand, and, if every task has ended, on what is then asked. */
  private ofEnd(state: Int32Array): Verdict {
    const { program, ofEnds } = this;
    const reads = program.world.threads.map((_, thread) => program.slots + thread);
    const haveEnded = program.world.threads.every(
      ({ kind }, thread) => kind !== 'task' || program.position(state, thread).status === 'ended',
    );
    if (!haveEnded) return { holds: true, reads };
    for (const predicate of ofEnds) {
      predicate.evaluate(state);
      if (!predicate.isMemorable) return { holds: true, reads: null };
      reads.push(...predicate.lastReads);
    }
    return { holds: true, reads: unrepeated(reads) };
  }
}

const unrepeated = (reads: readonly number[]): readonly number[] => [...new Set(reads)];
