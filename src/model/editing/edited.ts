/** An operation as edited: each edit sees what the one before has left of it. */
import type { Operation } from '../../../actors/step.ts';
import type { Edit } from '../edit.ts';
import { delays } from './delay.ts';
import { drops } from './drop.ts';
import { hastens } from './hasten.ts';
import { holds } from './hold.ts';
import { inserts, replaces } from './insert.ts';
import type { Rule } from './rule.ts';
import { runEdited } from './run-edited.ts';

export function edited<R>(make: () => Operation<R>, edits: readonly Edit[]): Operation<R> {
  const all = edits.reduce<() => Operation<R>>((code, edit) => () => runEdited(code, ruleOf(edit)), make);
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
