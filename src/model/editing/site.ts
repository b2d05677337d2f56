/** Where in kernel code a step stands. */
import type { Step } from '../../../actors/step.ts';
import type { SiteKey } from '../edit.ts';
import { activationsOf, type Frame, statementOf } from '../stack.ts';

export interface Where {
  readonly key: SiteKey;
  /** The statement in kernel code; null where a thread calls a primitive by itself. */
  readonly frame: Frame | null;
  /** The functions that stand open and from where each was called, outermost first. */
  readonly activations: readonly string[];
}

/** What was read out of a stack: the same few come again and again. */
const known = new Map<string, Where>();
const MOST_KNOWN = 20_000;

export const eventOf = ({ step }: Step): string => step[0].messages[0].event.type;

export function whereIs(step: Step): Where {
  const event = eventOf(step);
  const text = `${event} ${step.stack}`;
  let where = known.get(text);
  if (where === undefined) {
    const frame = statementOf(step.stack);
    where = { key: keyOf(event, frame), frame, activations: activationsOf(step.stack) };
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(text, where);
  }
  return where;
}

const keyOf = (event: string, frame: Frame | null): SiteKey =>
  `${event}@${frame === null ? '' : `${frame.file.replace(/^.*\//, '')}:${frame.line}:${frame.column}`}`;

/** To ask for a stack costs more than all the rest, so events are compared first. */
export function placesIn(keys: readonly SiteKey[]): (step: Step) => boolean {
  const events = new Set(keys.map((key) => key.slice(0, key.lastIndexOf('@'))));
  const all = new Set(keys);
  return (step) => events.has(eventOf(step)) && all.has(whereIs(step).key);
}

/** A part of a run in which one function, called from one place, has not yet returned. */
export type Scope = readonly string[];

export const scopeOf = (step: Step): Scope => whereIs(step).activations;

export const isWithin = (step: Step, scope: Scope): boolean => {
  const { activations } = whereIs(step);
  return scope.every((one, depth) => one === activations[depth]);
};
