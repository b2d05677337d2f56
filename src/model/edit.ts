/**
 * Small edits of kernel code, as data: what to do where, without touching the source.
 *
 * An edit stands between the code and its thread. It sees the stream of steps, and what the code hears of each; it may
 * keep a step back, answer one that is never taken, or take one that the code does not have. It is a function of the
 * replies like the code itself, so an edited operation is an operation like any other.
 */
import type { Message } from '../../actors/step.ts';
import type { Json } from '../../machines/object.ts';

/**
 * A place in kernel code, and what is said there: `mutex_lock@vfio_main.js:72:12`. It is the place of the statement, so
 * that all steps of a primitive have one, and holds for every call that comes by. The file goes without its folder,
 * which for a bundle is another each time that it is loaded.
 */
export type SiteKey = string;

/**
 * Not taken, and answered as if it had gone well: a void step, a lock or a wait is granted. What tells the code
 * something is answered with `reply`. A lock that is not taken is not released either.
 */
export interface Drop {
  readonly kind: 'drop';
  readonly at: readonly SiteKey[];
  readonly reply?: Json;
}

/** A step that tells the code nothing, or a lock, taken only after the next one at one of the other sites, within its function. */
export interface Delay {
  readonly kind: 'delay';
  readonly at: SiteKey;
  readonly past: readonly SiteKey[];
}

/** A step taken before the one that comes right before it. */
export interface Hasten {
  readonly kind: 'hasten';
  readonly at: SiteKey;
  readonly before: SiteKey;
  /** What the code may hear of the step before, as far as is known: whatever it is, it has to go on alike. */
  readonly replies: readonly Json[];
}

/**
 * A lock that is held from one site to another, or else to the end of the function in which the first stands (of the turn,
 * if that is in a loop). Where the code itself takes the lock and releases it meanwhile, it does neither.
 */
export interface Hold {
  readonly kind: 'hold';
  /** How it is taken; if that queues, also how it is waited for. */
  readonly take: readonly [Message, Message?];
  readonly release: Message;
  /** It is taken before the step; if that is the release of the lock, it is kept instead. */
  readonly from: SiteKey;
  /** It is released after the step; if that is an acquire of the lock, the code has it from there on. */
  readonly to: SiteKey | null;
  /** It is released before these, too: where the code goes on past the part on another way. */
  readonly before?: readonly SiteKey[];
}

/** A step that the code does not have. Nobody hears what it replies. */
export interface Insert {
  readonly kind: 'insert';
  readonly at: SiteKey;
  readonly where: 'before' | 'after';
  readonly message: Message;
  /** What moves in the same step: a chart that follows. */
  readonly along?: readonly Message[];
  /** The struct whose parts are named above: where the step is about another of its kind, it is that one. */
  readonly of?: string;
  /** It is asked first, and the step is taken only if that is replied. */
  readonly only?: { readonly if: Message; readonly replies: Json };
}

/** Another access in place of this one. */
export interface Replace {
  readonly kind: 'replace';
  readonly at: SiteKey;
  readonly by: Message;
  /** What the code hears for what is replied; without it what is replied. */
  readonly hears?: readonly (readonly [reply: Json, heard: Json])[];
}

/** All that a design is edited by is a list of these, each applied to what the one before has left. */
export type Edit = Drop | Delay | Hasten | Hold | Insert | Replace;
