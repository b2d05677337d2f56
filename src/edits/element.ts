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
   * `breaks`: something is found that the design as it stands does not show. `unreached`: that is not so, but what the
   * scenario wants to be reached no longer is. `holds`: exhaustively neither. `same`: the edit changes no order of steps
   * in this variant. `no-program`: it cannot be run. `cut`: nothing so far.
   */
  readonly outcome: 'breaks' | 'unreached' | 'holds' | 'same' | 'no-program' | 'cut';
  /** What is new, each with its counterexample: data races last, else the cheapest schedule first. */
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
   * `load-bearing`: some variant breaks without it. `unreached`: none does, but some no longer shows what it is there to
   * show. `unneeded`: neither, exhaustively. `unknown`: none so far, but some trial was cut. `untried`: in no variant is
   * there a program without it.
   */
  readonly verdict: 'load-bearing' | 'unreached' | 'unneeded' | 'unknown' | 'untried';
  readonly trials: readonly Trial[];
}

/** How a variant comes out as it stands. */
export interface Known {
  readonly variant: string;
  readonly states: number;
  /** The keys of its own faults: those that come first, and those that only come after another. */
  readonly faults: readonly string[];
  readonly consequences: readonly string[];
  /** Who never gets out of what, or is never woken. */
  readonly endless: readonly string[];
  /** The ids of what ends as no order of whole operations does. */
  readonly unserial: readonly string[];
  /** What a lock validator says of the orders of its locks. */
  readonly lockOrders: readonly string[];
  readonly reached: readonly string[];
  /** Names all pairs of a step and the next of its thread, for whoever asks whether an edit has changed anything. */
  readonly orders: string;
}

/** With all that there is in it to take away. */
export interface Survey extends Known {
  readonly elements: readonly Element[];
  /** Why there is nothing: the search was cut. */
  readonly cut: string | null;
}

export interface LoadBearing {
  readonly scenario: string;
  readonly results: readonly ElementResult[];
  readonly surveys: readonly Pick<Survey, 'variant' | 'states' | 'cut' | 'reached'>[];
  readonly seconds: number;
  /** What ended it before everything was tried. */
  readonly stopped: string | null;
}
