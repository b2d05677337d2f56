/** What the owner of a search and its workers say to each other. */
import type { Forecast } from '../reduction/forecast.ts';
import type { Groups } from '../visited-set.ts';
import type { PackedError } from './errors.ts';
import type { Harvest, Level } from './expansion.ts';
import type { Predicates, Verdict } from './oracle.ts';
import type { Question, Shape } from './remote-stepper.ts';
import type { Memory } from './shared-states.ts';

/** With which a worker begins. */
export interface Outfit {
  /** Where it has its place in the memory that says how far everybody is. */
  readonly worker: number;
  readonly control: Int32Array;
  readonly shape: Shape;
  readonly predicates: Predicates;
}

/** Each is replied to, once. */
export type Command =
  | { readonly do: 'equip'; readonly outfit: Outfit }
  | {
      readonly do: 'begin';
      readonly memory: Memory;
      readonly groups: Groups;
      readonly forecast: Forecast | null;
      readonly log: Int32Array;
    }
  | { readonly do: 'run'; readonly level: Level; readonly takesMore: boolean; readonly memory: Memory; readonly log: Int32Array }
  | { readonly do: 'move'; readonly memory: Memory; readonly part: number; readonly parts: number };

export interface Reply {
  readonly harvest: Harvest | null;
  /** How many states the worker was the first to meet. */
  readonly met: number;
}

/** What a worker asks in between; it waits for the answer. */
export type Asked = (
  | Question
  | { readonly ask: 'verdict'; readonly predicate: number; readonly state: Int32Array; readonly strict: boolean }
) & {
  /** How much it knows of the owner's log. */
  readonly known: number;
};

export type Answered = { readonly log: Int32Array; readonly verdict: Verdict | null } | { readonly refused: PackedError };

export type FromWorker = { readonly reply: Reply } | { readonly asked: Asked } | { readonly threw: PackedError };
