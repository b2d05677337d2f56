/** What a step does to locks, whatever locks they are. */
import type { Meaning, Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import { type Ahead, granted, noProgram, taken } from './rule.ts';

/** The lock that the step takes or releases in one of its ways; null if it does neither. */
export function lockIn({ step }: Step): { readonly object: string; readonly does: 'acquire' | 'release' } | null {
  for (const { messages } of step) {
    const [{ object, means }] = messages;
    if (means.kind === 'acquire' || means.kind === 'release') return { object, does: means.kind };
  }
  return null;
}

/** Whether the lock has been taken by that, as far as the step takes one. */
export function wasAcquired({ step }: Step, heard: Json): boolean {
  const named = typeof heard === 'object' && heard !== null && 'way' in heard && step.length > 1;
  const way = named ? step.find(({ name }) => name === heard.way) : step[0];
  const means: Meaning | undefined = way?.messages[0].means;
  return means?.kind === 'acquire' && (!means.try || (named ? heard.reply === true : heard === true));
}

/** A step that can be taken at another time than the code asks for it: it tells the code nothing, or it is a lock. */
export interface Movable {
  readonly step: Step;
  /** What the code hears of it meanwhile. */
  readonly heard: Json;
  /** Where it is a lock that was not free at once, and has queued: how it waits for it. */
  readonly orElse: Step | null;
}

/** @param before what the code hears of those steps that come before it */
export function movable(step: Step, ahead: Ahead, before: readonly Json[] = []): Movable {
  const [way, ...others] = step.step;
  const { means } = way.messages[0];
  if (others.length > 0) throw noProgram('a step that can end in several ways is made at another time');
  if (means.try && !means.queues) throw noProgram('whether a lock could be had is asked at another time');
  return { step, heard: granted(step), orElse: means.queues ? ahead(...before, false) : null };
}

/** Takes it now. */
export function* moved({ step, orElse }: Movable): Operation {
  const reply = yield* taken(step);
  if (step.step[0].messages[0].means.queues) {
    if (reply === true) return;
    if (orElse === null) throw noProgram('a lock that was not free is not waited for');
    yield* taken(orElse);
  } else if (reply !== null) throw noProgram('what a step tells comes at another time than it is asked for');
}
