/** An operation as edited: each edit sees what the one before has left of it. */
import type { Operation } from '../../../actors/step.ts';
import type { Edit } from '../edit.ts';
import { delays } from './delay.ts';
import { drops } from './drop.ts';
import { hastens } from './hasten.ts';
import { holds } from './hold.ts';
import { inserts, replaces } from './insert.ts';
import type { Rule } from './rule.ts';
import { type KnownStacks, runEdited } from './run-edited.ts';

/** By edit. */
export type KnownPlaces = Map<number, KnownStacks>;

/** @param known where the same code, with the same arguments, has been found to stand */
export function edited<R>(make: () => Operation<R>, edits: readonly Edit[], known: KnownPlaces = new Map()): Operation<R> {
  const all = edits.reduce<() => Operation<R>>((code, edit, i) => {
    const stacks: KnownStacks = known.get(i) ?? new Map();
    known.set(i, stacks);
    return () => runEdited(code, ruleOf(edit), stacks);
  }, make);
  return all();
}

function ruleOf(edit: Edit): Rule {
  switch (edit.kind) {
    case 'drop':
      return drops(edit);
    case 'delay':
      return delays(edit);
    case 'hasten':
      return hastens(edit);
    case 'hold':
      return holds(edit);
    case 'insert':
      return inserts(edit);
    case 'replace':
      return replaces(edit);
  }
}
