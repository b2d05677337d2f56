/** What a thread has taken and not let go of, and what it must not do meanwhile. */
import type { Meaning, Step } from '../../actors/step.ts';

export interface Held {
  readonly object: string;
  readonly mode: 'exclusive' | 'shared';
  /** The lockdep subclass. */
  readonly subclass: number;
  /** It was had by trying. */
  readonly try: boolean;
  /** Until it is let go of, the thread must not sleep. */
  readonly atomic: boolean;
  /** It is no lock, but the frame of an interrupt handler. */
  readonly interrupt: boolean;
}

/** A lock with which a call has returned. */
export interface Kept {
  readonly object: string;
  readonly operation: string;
}

export const heldBy = (object: string, means: Meaning): Held => ({
  object,
  mode: means.mode ?? 'exclusive',
  subclass: means.subclass ?? 0,
  try: means.try === true && means.queues !== true,
  atomic: means.atomic ?? false,
  interrupt: means.interrupt ?? false,
});

/** Names it: who holds the same, taken in the same way, goes on alike. */
export const nameHeld = ({ object, mode, subclass, try: tried }: Held): string =>
  `${object} ${mode}${subclass === 0 ? '' : `/${subclass}`}${tried ? ' tried' : ''}`;

/** It does not return until it has what it asks for. */
export const blocks = ({ kind, try: tries, queues }: Meaning): boolean =>
  kind === 'acquire' && (tries !== true || queues === true);

/** To ask for a lock, or to wait, is to say that one may sleep, whether or not it comes to that. */
export const maySleep = (means: Meaning): boolean =>
  means.sleeps ?? ((blocks(means) && means.atomic !== true) || (means.kind === 'wait' && means.try !== true));

export const stepMaySleep = (step: Step | null): boolean =>
  step?.step.some(({ messages }) => messages.some(({ means }) => maySleep(means))) === true;
