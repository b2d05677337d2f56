/** What an edit does with the steps of a call. */
import type { Alternative, Message, Operation, Step } from '../../../actors/step.ts';
import type { Json } from '../../../machines/object.ts';
import { ModelError } from '../errors.ts';
import { withoutPrimitives } from '../stack.ts';

/** What the code does next if it hears this of the present step, and of those that come then; null if that is no step. */
export type Ahead = (...heard: readonly Json[]) => Step | null;

export interface Rule {
  /** @returns what the code hears of the step, whether or not it was taken */
  step(step: Step, ahead: Ahead): Operation<Json>;
  /**
   * A loop is entered, goes round or is left: what is taken here is taken before that.
   * @param open how many loops the code is in
   * @param next the step that comes then; null if none does before the loop goes on
   */
  loop?(what: 'loop' | 'again' | 'leave', open: number, next: () => Step | null): Operation;
  /** The call is about to return. */
  end?(): Operation;
  /** What it goes by from one step to the next. */
  readonly state?: unknown;
}

export const noProgram = (why: string): ModelError =>
  new ModelError(`Edited like this it is no program: ${why}`, 'edit it otherwise');

/** A step of the code, as it is. @returns what the code hears of it */
export function* taken(step: Step): Operation<Json> {
  return yield step;
}

/** A step that the code does not have, taken as if it stood beside the other. */
export const besides = (message: Message, beside: Step, ...along: readonly Message[]): Step => ({
  step: [{ name: message.event.type, messages: [message, ...along] }],
  get stack() {
    return withoutPrimitives(beside.stack);
  },
});

export const hearing = ({ step }: Step, way: Alternative, reply: Json): Json =>
  step.length === 1 ? reply : { way: way.name, reply };

/** The step as the code hears of it where all went well. */
export function granted(step: Step, reply?: Json): Json {
  const way = step.step.find(({ messages: [{ means }] }) => means.kind === 'acquire' || means.kind === 'wait') ?? step.step[0];
  return hearing(step, way, reply ?? (way.messages[0].means.try ? true : null));
}
