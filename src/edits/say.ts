/** An edit as a sentence in C. */
import type { Message } from '../../actors/step.ts';
import type { Edit, SiteKey } from '../model/edit.ts';
import type { Site } from './sites.ts';

export interface Spelling {
  readonly all: ReadonlyMap<SiteKey, Site>;
  spell(message: Message): string;
}

/** @param sites where the variant comes to, as it stands or as the edits before this one have left it */
export function sayEdit(edit: Edit, sites: Spelling): string {
  const c = (key: SiteKey | undefined) => sites.all.get(key ?? '')?.c ?? key ?? '';
  const inFunction = (key: SiteKey | undefined) => `in ${sites.all.get(key ?? '')?.function ?? '?'}()`;
  switch (edit.kind) {
    case 'drop':
      return `without ${edit.at.map(c).join(', ')} ${inFunction(edit.at[0])}`;
    case 'delay':
      return `${c(edit.at)} only after ${c(edit.past[0])} ${inFunction(edit.at)}`;
    case 'hasten':
      return `${c(edit.at)} already before ${c(edit.before)} ${inFunction(edit.at)}`;
    case 'hold':
      return held(edit, sites, c, inFunction(edit.from));
    case 'insert':
      return `${sites.spell(edit.message)} ${edit.where} ${c(edit.at)} ${inFunction(edit.at)}`;
    case 'replace':
      return `${sites.spell(edit.by)} for ${c(edit.at)} ${inFunction(edit.at)}`;
  }
}

/** A section that is wider than it was, where the lock is taken or released there already. */
function held(
  { take, release, from, to }: Extract<Edit, { kind: 'hold' }>,
  sites: Spelling,
  c: (key: SiteKey | undefined) => string,
  inFunction: string,
): string {
  const is = (key: SiteKey | null, { event: { type } }: Message) => key !== null && sites.all.get(key)?.event === type;
  const end = to === null ? 'the end of the function' : c(to);
  if (to !== null && is(to, take[0])) return `${c(to)} already before ${c(from)} ${inFunction}`;
  if (is(from, release)) return `${c(from)} only after ${end} ${inFunction}`;
  return `${sites.spell(take[0])} held from ${c(from)} to ${end} ${inFunction}`;
}
