/** Steps that the code does not have: one more beside a step, or another in place of it. */
import type { Message, Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import type { Insert, Replace } from '../edit.ts';
import { besides, hearing, noProgram, type Rule, taken } from './rule.ts';
import { placesIn } from './site.ts';

/** The struct that the step is about. */
const structIn = ({ step }: Step): string => step[0].messages[0].object.split('.')[0] ?? '';

/** The same about another struct of its kind. */
const rebased = (message: Message, from: string, to: string): Message => {
  const { object } = message;
  return object === from || object.startsWith(`${from}.`) ? { ...message, object: `${to}${object.slice(from.length)}` } : message;
};

const said = (value: Json): string => JSON.stringify(value);

export function inserts({ at, where, message, along = [], of, only }: Insert): Rule {
  const isHere = placesIn([at]);
  const meant = (one: Message, step: Step): Message => (of === undefined ? one : rebased(one, of, structIn(step)));

  function* inserted(step: Step): Operation {
    const heard = only === undefined ? null : yield* taken(besides(meant(only.if, step), step));
    if (only === undefined || said(heard) === said(only.replies)) {
      yield* taken(besides(meant(message, step), step, ...along.map((one) => meant(one, step))));
    }
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
      const reply = yield* taken(besides(by, step));
      if (hears === undefined) return hearing(step, step.step[0], reply);
      const heard = hears.find(([from]) => said(from) === said(reply));
      if (heard === undefined) throw noProgram('another access replies what the code has no word for');
      return hearing(step, step.step[0], heard[1]);
    },
  };
}
