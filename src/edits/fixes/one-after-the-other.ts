/**
 * What comes of a design when its threads run one after the other: a fix may change how they race, not what they do by
 * themselves. Compared are all parts of the objects, and where the threads stand in the end with what their calls gave.
 */
import { LiveRun, type LiveResult } from '../../live/live-run.ts';
import type { Strategy } from '../../live/scheduler.ts';
import type { Variant } from '../../model/scenario.ts';
import { World } from '../../model/world.ts';

/** A thread that loops is not run for longer. */
const MOST_STEPS = 1000;
/** With more threads only each of them first, and the others as the scenario names them. */
const MOST_IN_EVERY_ORDER = 4;

/** Each that can go on as far as it can, then the next; who had to wait goes on when the others have. */
export function inTurn(threads: readonly string[]): Strategy {
  let left = MOST_STEPS;
  return {
    name: 'one after the other',
    choose: (options, last) => {
      if (left-- <= 0) return null;
      const order = last === null ? threads : [last, ...threads];
      return order.flatMap((thread) => options.filter((option) => option.thread === thread))[0] ?? null;
    },
  };
}

/** @returns what comes out otherwise, as a clause; null if nothing does. Orders in which the design itself goes wrong do not count. */
export async function comesOutOtherwise(before: Variant, after: Variant): Promise<string | null> {
  const paths = new World(before).slots.map(({ path }) => path);
  for (const threads of ordersOf(Object.keys(before.threads))) {
    const was = await new LiveRun(before).run(inTurn(threads));
    if (was.steps.length >= MOST_STEPS || was.steps.some(({ splats }) => splats.length > 0)) continue;
    const is = await new LiveRun(after).run(inTurn(threads));
    const differs = difference(was, is, paths, Object.keys(before.threads));
    if (differs !== null) return `when ${threads.join(', ')} run one after the other, ${differs}`;
  }
  return null;
}

function difference(was: LiveResult, is: LiveResult, paths: readonly string[], threads: readonly string[]): string | null {
  const slot = was.conditions.findIndex((condition, i) => condition !== is.conditions[i]);
  if (slot >= 0) return `${paths[slot]} ends otherwise`;
  const thread = was.positions.findIndex((position, i) => come(position) !== come(is.positions[i] ?? ''));
  return thread >= 0 ? `${threads[thread]} ends otherwise` : null;
}

/** How far a thread has come: which of its calls, with what the others gave. Within a call an edit may take other steps. */
const come = (key: string): string => JSON.stringify((JSON.parse(key) as readonly unknown[]).slice(0, 3));

function ordersOf(threads: readonly string[]): readonly (readonly string[])[] {
  if (threads.length > MOST_IN_EVERY_ORDER) return threads.map((first) => [first, ...threads.filter((one) => one !== first)]);
  if (threads.length < 2) return [threads];
  return threads.flatMap((first) => ordersOf(threads.filter((one) => one !== first)).map((rest) => [first, ...rest]));
}
