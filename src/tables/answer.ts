/** What one machine answers to one event: the only place in which XState is asked. */
import { inspect } from 'node:util';
import { type AnyMachineSnapshot, type AnyStateMachine, transition } from 'xstate';
import type { Emitted, Json, Splat } from '../../machines/object.ts';
import { ModelError, messageOf } from '../model/errors.ts';
import { survivesJson } from '../model/json.ts';

export interface Answer {
  readonly reply: Json;
  readonly splats: readonly Splat[];
  readonly stops: boolean;
}

/** The emitted events of one transition, put together. Shared with the live run, which collects them from its actors. */
export function answerOf(emitted: readonly Emitted[]): Answer {
  let reply: Json = null;
  const splats: Splat[] = [];
  for (const said of emitted) {
    if (said.type === 'reply') reply = said.value;
    else splats.push({ kind: said.kind, text: said.text, prints: said.prints, ...(said.stops ? { stops: true } : {}) });
  }
  return { reply, splats, stops: splats.some((splat) => splat.stops) };
}

type Event = { readonly type: string };

const isRaisedAtOnce = ({ type, params }: { readonly type: string; readonly params: unknown }): boolean =>
  type === 'xstate.raise' && (params as { delay?: unknown } | undefined)?.delay === undefined;

/**
 * Asks the machine what the event does.
 * @returns null where the machine cannot take it now, and the thread must wait
 * @throws ModelError if the machine does what no kernel object may: keep time, choose, or speak to others
 */
export function ask(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: Event,
): { readonly next: AnyMachineSnapshot; readonly answer: Answer } | null {
  try {
    if (!snapshot.can(event)) return null;
    const [next, actions] = transition(machine, snapshot, event);
    const emitted = (actions as readonly { type: string; params: unknown }[]).flatMap((action): Emitted[] => {
      if (action.type === 'xstate.emit') return [(action.params as { event: Emitted }).event];
      if (action.type === 'xstate.assign' || isRaisedAtOnce(action)) return [];
      throw new ModelError(
        `Machine "${machine.id}" runs the action "${action.type}" on "${event.type}"`,
        'a machine answers with emit() and changes itself with assign(), nothing else',
      );
    });
    if (emitted.filter(({ type: said }) => said === 'reply').length > 1)
      throw new ModelError(`Machine "${machine.id}" replies twice to "${event.type}"`, 'one access has one answer');
    const answer = answerOf(emitted);
    if (!survivesJson(answer.reply))
      throw new ModelError(
        `Machine "${machine.id}" replies to "${event.type}" with what JSON cannot hold: ${inspect(answer.reply)}`,
        'numbers, strings, booleans, names, lists and plain objects; null for a void call',
      );
    return { next: next as AnyMachineSnapshot, answer };
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError(`Machine "${machine.id}" fails on "${event.type}": ${messageOf(error)}`, 'mend the machine');
  }
}
