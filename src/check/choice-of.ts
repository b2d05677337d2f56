/** The steps of a live run in the words of the tables. */
import type { Choice } from '../explore/choice.ts';
import { InternalError } from '../model/errors.ts';
import type { Program } from '../tables/program.ts';
import type { TraceStep } from '../trace/trace.ts';

/** @throws InternalError if the tables would not let the thread take that step */
export function choiceOf(program: Program, state: Int32Array, { index, thread: name, way: wayName }: TraceStep): Choice {
  const thread = program.world.threads.findIndex((named) => named.name === name);
  const { firstWay, ways } = program.position(state, thread);
  const names = program.ways.slice(firstWay, firstWay + ways).map((way) => way.name);
  const way = wayName === null ? 0 : names.indexOf(wayName);
  if (way >= 0 && way < ways && program.enabled(state, firstWay + way)) return { thread, way };
  throw new InternalError(`Step ${index}: the live actors let ${name} go on (${wayName ?? 'one way'}), the tables do not`);
}

export function choicesOf(program: Program, steps: readonly TraceStep[]): readonly Choice[] {
  const state = program.initial();
  const next = state.slice();
  return steps.map((step) => {
    const choice = choiceOf(program, state, step);
    program.choose(state, choice, next);
    state.set(next);
    return choice;
  });
}

export function stateAfter(program: Program, choices: readonly Choice[]): Int32Array {
  const state = program.initial();
  const next = state.slice();
  for (const choice of choices) {
    program.choose(state, choice, next);
    state.set(next);
  }
  return state;
}
