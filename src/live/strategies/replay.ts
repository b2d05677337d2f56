/** Follows a schedule, and stops at the first step that no longer fits. */
import { nameStep, type Schedule } from '../../trace/schedule.ts';
import type { Option, Strategy } from '../scheduler.ts';

export interface Divergence {
  /** From 1. */
  readonly step: number;
  readonly expected: string;
  readonly found: string;
}

export interface Replay extends Strategy {
  readonly diverged: Divergence | null;
}

const nameOption = ({ event, object, wayName, hasOtherWays }: Option): string =>
  nameStep(event, object, hasOtherWays ? wayName : null);

export function replay({ runs }: Pick<Schedule, 'runs'>): Replay {
  let run = 0;
  let taken = 0;
  let step = 0;
  let diverged: Divergence | null = null;
  const stop = (expected: string, found: string): null => {
    diverged = { step: step + 1, expected, found };
    return null;
  };
  return {
    name: 'replay',
    get diverged() {
      // The run may end before the schedule does: nobody can move, and nobody is asked.
      const left = runs[run];
      if (diverged !== null || left === undefined) return diverged;
      return { step: step + 1, expected: `${left.thread}: ${left.last}`, found: 'no thread can move' };
    },
    choose(options) {
      const now = runs[run];
      if (now === undefined) return null;
      const isLast = taken + 1 === now.steps;
      const mine = options.filter(({ thread }) => thread === now.thread);
      const expected = isLast ? `${now.thread}: ${now.last}` : `${now.thread}: a step on the way to ${now.last}`;
      const [first] = mine;
      if (first === undefined) return stop(expected, `${now.thread} cannot move`);
      const chosen = isLast ? mine.find((option) => nameOption(option) === now.last) : first;
      if (chosen === undefined || (!isLast && first.hasOtherWays))
        return stop(expected, `${now.thread}: ${mine.map(nameOption).join(' or ')}`);
      step++;
      taken = isLast ? 0 : taken + 1;
      if (isLast) run++;
      return chosen;
    },
  };
}
