/** What a search of any strategy gives back, and what it says while it goes on. */
import type { Program } from '../tables/program.ts';
import type { Choice } from './choice.ts';
import type { Judge } from './judge.ts';

/** Where a fault was first met. */
export interface Sighting {
  readonly fault: number;
  /** No other finding came before it on that way; else it is a consequence. */
  readonly primary: boolean;
  /** The last choice of the way raised it; else the state to which the way leads is itself wrong. */
  readonly byStep: boolean;
  way(): readonly Choice[];
}

export interface Found {
  readonly program: Program;
  readonly judge: Judge;
  readonly sightings: readonly Sighting[];
  readonly sometimes: readonly { readonly name: string; readonly reached: boolean }[];
  /** Distinct states that were stored, or met by those who store none. */
  readonly states: number;
  /** Complete runs, by a strategy that goes along runs; else null. */
  readonly traces: number | null;
  readonly steps: number;
  readonly depth: number;
  /** Which bound ended the search; null when nothing was left out. */
  readonly cut: string | null;
  /** Where it was cut: how much of what can happen it has covered, as far as that can be told. */
  readonly estimate: string | null;
}

/** Whose search it is: nobody else goes on from its checkpoint. */
export interface Origin {
  readonly scenario: string;
  readonly variant: string;
  /** Of the checker, for another one may search otherwise. */
  readonly version: string;
}

/** A search as it stands: to be saved before it goes on. */
export interface Checkpoint {
  /** Puts it in the place of the file, whole or not at all. @throws Error of the file system */
  save(file: string, of: Origin): void;
}

export interface Progress {
  readonly states: number;
  /** Complete runs so far; null where states are stored. */
  readonly traces: number | null;
  readonly depth: number;
  /** How much of the whole is done, from 0 to 1, if there is an estimate. */
  readonly share: number | null;
  /** Left out by searches that cannot be resumed. */
  readonly checkpoint?: Checkpoint;
}

/**
 * A generator, so that the caller decides when to look up: it yields its progress every so often, and stops where it is
 * when the caller says why. The reason then stands in `cut`.
 */
export type Search<F extends Found = Found> = Generator<Progress, F, string | null>;
