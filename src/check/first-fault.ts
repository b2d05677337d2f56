/** What goes wrong first on a run, by the keys under which any judge of the design knows it. */
import type { Judge } from '../explore/judge.ts';
import type { Choice } from '../explore/choice.ts';
import type { Program } from '../tables/program.ts';

export interface Judged {
  readonly program: Program;
  readonly judge: Judge;
}

/** @returns none where some choice cannot be made, where nothing goes wrong, or where it does before the last choice */
export function faultsAtTheEnd({ program, judge }: Judged, choices: readonly Choice[]): readonly string[] {
  const state = program.initial();
  const next = state.slice();
  const keys = (faults: readonly number[]) => faults.map((fault) => judge.keyOf(fault));
  for (const [i, choice] of choices.entries()) {
    if (judge.isWrong(state)) return [];
    if (choice.way >= program.position(state, choice.thread).ways || !program.choose(state, choice, next)) return [];
    if (program.splats > 0) return i === choices.length - 1 ? keys(judge.ofStep(state, choice.thread)) : [];
    state.set(next);
  }
  return keys(judge.ofState(state, program.isTerminal(state)));
}
