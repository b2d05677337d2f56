/** The steps of a counterexample, each with where it stands in kernel code: where a fix would have to begin. */
import type { Step } from '../../../actors/step.ts';
import { InternalError } from '../../model/errors.ts';
import { type Scope, type Where, whereIs } from '../../model/editing/site.ts';
import type { Variant } from '../../model/scenario.ts';
import { Cursor } from '../../model/thread.ts';
import { World } from '../../model/world.ts';
import type { Trace, TraceStep } from '../../trace/trace.ts';

export interface Taken {
  readonly step: Step;
  readonly where: Where;
  readonly trace: TraceStep;
}

/** A thread that stands before a step when the run is over, with the locks that it holds. */
export interface Before {
  readonly thread: string;
  readonly step: Step;
  readonly where: Where;
  readonly held: readonly string[];
}

/** The step is a statement of the function itself, on that call of it, and not of one that it calls. */
export const isOwnStepOf = ({ where }: Taken, scope: Scope): boolean =>
  where.activations.length === scope.length && scope.every((one, depth) => one === where.activations[depth]);

/** @param variant the one that the trace is of, without what its counterexample leaves out */
export function stepsTaken(
  variant: Variant,
  trace: Trace,
): { readonly taken: readonly Taken[]; readonly standing: readonly Before[] } {
  const cursors = new Map(new World(variant).threads.map((thread) => [thread.name, new Cursor(thread)]));
  const taken = trace.steps.map((one): Taken => {
    const cursor = cursors.get(one.thread);
    const step = cursor?.step;
    if (cursor === undefined || step === null || step === undefined)
      throw new InternalError(`Step ${one.index} of "${one.thread}" is not one that it comes to`);
    const way = one.way === null ? 0 : step.step.findIndex(({ name }) => name === one.way);
    const where = whereIs(step);
    cursor.feed(way, one.reply, one.stops);
    return { step, where, trace: one };
  });
  const standing = trace.standing.flatMap(({ thread, held }): readonly Before[] => {
    const step = cursors.get(thread)?.step ?? null;
    return step === null ? [] : [{ thread, step, where: whereIs(step), held }];
  });
  return { taken, standing };
}
