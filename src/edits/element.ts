/** What of kernel code can be taken away to see whether anything needs it, and what came of it. */
import type { Finding } from '../check/finding.ts';
import type { Edit } from '../model/edit.ts';
import type { Site } from './sites.ts';

export type ElementKind = 'section' | 'get' | 'put' | 'check' | 'wait' | 'signal' | 'order';

/** One thing that kernel code does, and the edit that does without it. Goes through JSON. */
export interface Element {
  /** The same in every variant: made of places and of what is done there. */
  readonly id: string;
  readonly kind: ElementKind;
  readonly how: 'removed' | 'narrowed' | 'swapped' | 'taken for granted';
  /** The design without it: `without mutex_lock(&group->device_lock) in vfio_group_get_device()`. */
  readonly says: string;
  readonly sites: readonly Site[];
  readonly edits: readonly Edit[];
}

/**
 * @param sites the statement first, then those that it stands to
 * @param edit may differ from variant to variant in what is known of the replies
 */
export function element(kind: ElementKind, how: Element['how'], says: string, sites: readonly Site[], edit: Edit): Element {
  const reply = edit.kind === 'drop' && edit.reply !== undefined ? JSON.stringify(edit.reply) : '';
  const beside = kind === 'order' || edit.kind === 'hasten' ? (sites[1]?.key ?? '') : '';
  return { id: [kind, edit.kind, sites[0]?.key, beside, reply].join(' ').trimEnd(), kind, how, says, sites, edits: [edit] };
}

/** One variant, edited and explored. */
export interface Trial {
  readonly variant: string;
  /**
   * `breaks`: something is found that the design as it stands does not show, or something that was to be reached no
   * longer is. `holds`: exhaustively nothing. `same`: the edit changes no order of steps in this variant. `no-program`:
   * it cannot be run. `cut`: nothing so far.
   */
  readonly outcome: 'breaks' | 'holds' | 'same' | 'no-program' | 'cut';
  /** What is new, the cheapest schedule first, each with its counterexample. */
  readonly findings: readonly Finding[];
  /** How many new faults there are; counterexamples are made for some of them. */
  readonly faults: number;
  /** What the scenario wants to be reached, and now is not. */
  readonly unreached: readonly string[];
  /** How many of the faults of the design as it stands are not met any more. */
  readonly lost: number;
  readonly states: number;
  /** None was left out: data races and what never ends would have been found as well. */
  readonly everyState: boolean;
  readonly seconds: number;
  /** Which bound cut it, or why it is no program. */
  readonly why: string | null;
}

export interface ElementResult {
  readonly element: Element;
  /**
   * `load-bearing`: some variant breaks without it. `unneeded`: no variant does, exhaustively. `unknown`: none so far, but
   * some trial was cut. `untried`: in no variant is there a program without it.
   */
  readonly verdict: 'load-bearing' | 'unneeded' | 'unknown' | 'untried';
  readonly trials: readonly Trial[];
}

/** What the elements of a variant are looked for in, and compared with. */
export interface Survey {
  readonly variant: string;
  readonly elements: readonly Element[];
  /** Why there are none: the search was cut. */
  readonly cut: string | null;
  readonly states: number;
  /** The keys of its own faults, those that come first and those that come after. */
  readonly faults: readonly string[];
  readonly reached: readonly string[];
  /** All pairs of a step and the next of its thread, for whoever asks whether an edit has changed anything. */
  readonly orders: readonly string[];
}

export interface LoadBearing {
  readonly scenario: string;
  readonly results: readonly ElementResult[];
  readonly surveys: readonly Omit<Survey, 'orders' | 'elements' | 'faults'>[];
  readonly seconds: number;
  /** What ended it before everything was tried. */
  readonly stopped: string | null;
}
