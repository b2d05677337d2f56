/** A step that is taken later than the code asks for it: what comes meanwhile moves before it. */
import type { Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Delay } from '../edit.ts';
import { type Movable, movable, moved } from './locks.ts';
import { type Ahead, type Rule, taken } from './rule.ts';
import { isWithin, placesIn, type Scope, scopeOf } from './site.ts';

export function delays({ at, past }: Delay): Rule {
  const isHere = placesIn([at]);
  const isPast = placesIn(past);
  let waiting: (Movable & { readonly scope: Scope }) | null = null;

  function* now(): Operation {
    if (waiting === null) return;
    const late = waiting;
    waiting = null;
    yield* moved(late);
  }

  return {
    *step(step: Step, ahead: Ahead): Operation<Json> {
      if (waiting !== null && (isHere(step) || !isWithin(step, waiting.scope))) yield* now();
      if (isHere(step)) {
        waiting = { ...movable(step, ahead), scope: scopeOf(step) };
        return waiting.heard;
      }
      const heard = yield* taken(step);
      if (isPast(step)) yield* now();
      return heard;
    },
    loop: now,
    end: now,
  };
}
