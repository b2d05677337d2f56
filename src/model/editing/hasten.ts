/** A step that is taken before the one that the code makes first. */
import type { Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Hasten } from '../edit.ts';
import { movable, moved } from './locks.ts';
import { type Ahead, noProgram, type Rule, taken } from './rule.ts';
import { placesIn } from './site.ts';

const isSame = (one: Step, other: Step): boolean => JSON.stringify(one.step) === JSON.stringify(other.step);

export function hastens({ at, before, replies }: Hasten): Rule {
  const isHere = placesIn([at]);
  const isBefore = placesIn([before]);
  /** What the code is to hear of the step that has been taken already, when it comes to it. */
  let early: { readonly heard: Json } | null = null;

  /** The step that comes next, whatever the code hears of this one; null if it is another in any case. */
  function next(ahead: Ahead): Step | null {
    const all = replies.map((reply) => ahead(reply));
    const [first = null] = all;
    if (all.every((step) => step === null || !isHere(step))) return null;
    if (all.some((step) => step === null || first === null || !isHere(step) || !isSame(step, first)))
      throw noProgram('whether a step is made depends on what comes after it');
    return first;
  }

  function* takeFirst(step: Step, ahead: Ahead): Operation<Json> {
    const [reply = null] = replies;
    const { means } = step.step[0].messages[0];
    if (means.kind !== 'acquire') return yield* taken(step);
    const lock = movable(step, ahead, [reply]);
    yield* moved(lock);
    return lock.heard;
  }

  return {
    *step(step: Step, ahead: Ahead): Operation<Json> {
      if (early !== null) {
        const { heard } = early;
        early = null;
        return heard;
      }
      const first = isBefore(step) ? next(ahead) : null;
      if (first === null) return yield* taken(step);
      const done = { heard: yield* takeFirst(first, ahead) };
      const heard = yield* taken(step);
      const then = ahead(heard);
      if (then === null || !isSame(then, first)) throw noProgram('whether a step is made depends on what comes after it');
      early = done;
      return heard;
    },
  };
}
