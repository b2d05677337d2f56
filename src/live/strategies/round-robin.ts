/** One step of each thread in turn, in the order of the scenario. */
import type { Strategy } from '../scheduler.ts';

export function roundRobin(threads: readonly string[]): Strategy {
  return {
    name: 'round robin',
    choose(options, last) {
      const from = last === null ? 0 : threads.indexOf(last) + 1;
      const turn = ({ thread }: { thread: string }) => (threads.indexOf(thread) - from + threads.length) % threads.length;
      return options.toSorted((a, b) => turn(a) - turn(b) || a.way - b.way)[0] ?? null;
    },
  };
}
