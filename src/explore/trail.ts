/** The way that led to where a run stands, as a chain that runs share and that nobody has to copy. */
import type { Choice } from './choice.ts';

export interface Trail {
  /** Null at the first step. */
  readonly before: Trail | null;
  readonly choice: Choice;
}

export function choicesOf(trail: Trail | null): readonly Choice[] {
  const choices: Choice[] = [];
  for (let at = trail; at !== null; at = at.before) choices.push(at.choice);
  return choices.toReversed();
}
