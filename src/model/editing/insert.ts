/** Steps that the code does not have: one more beside a step, or another in place of it. */
import type { Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Insert, Replace } from '../edit.ts';
import { besides, hearing, noProgram, type Rule, taken } from './rule.ts';
import { placesIn } from './site.ts';

const said = (value: Json): string => JSON.stringify(value);

export function inserts({ at, where, message, along = [], only }: Insert): Rule {
  const isHere = placesIn([at]);

  function* inserted(step: Step): Operation {
    const heard = only === undefined ? null : yield* taken(besides(only.if, step));
    if (only === undefined || said(heard) === said(only.replies)) yield* taken(besides(message, step, ...along));
  }

  return {
    *step(step: Step): Operation<Json> {
      if (!isHere(step)) return yield* taken(step);
      if (where === 'before') yield* inserted(step);
      const heard = yield* taken(step);
      if (where === 'after') yield* inserted(step);
      return heard;
    },
  };
}

export function replaces({ at, by, hears }: Replace): Rule {
  const isHere = placesIn([at]);
  return {
    *step(step: Step): Operation<Json> {
      if (!isHere(step)) return yield* taken(step);
      const reply = yield* taken({ step: [{ name: by.event.type, messages: [by] }], stack: step.stack });
      if (hears === undefined) return hearing(step, step.step[0], reply);
      const heard = hears.find(([from]) => said(from) === said(reply));
      if (heard === undefined) throw noProgram('another access replies what the code has no word for');
      return hearing(step, step.step[0], heard[1]);
    },
  };
}
