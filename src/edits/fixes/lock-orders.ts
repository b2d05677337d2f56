/** A deadlock of locks: one of the threads takes the lock that it waits for before the one that it holds. */
import { lockIn } from '../../model/editing/locks.ts';
import { type Candidate, inFunction } from './candidate.ts';
import type { KnownLock } from './known-locks.ts';
import type { Before, Taken } from './steps-taken.ts';

export function inOneOrder(stuck: readonly Before[], all: readonly Taken[], locks: readonly KnownLock[]): readonly Candidate[] {
  return stuck.flatMap(({ thread, step, where, held }) => {
    const wanted = lockIn(step);
    const lock = locks.find(({ object }) => object === wanted?.object);
    if (lock === undefined || wanted?.does !== 'acquire') return [];
    return held.flatMap((path): readonly Candidate[] => {
      const taken = all.findLast((one) => {
        const own = lockIn(one.step);
        return one.trace.thread === thread && own?.object === path && own.does === 'acquire';
      });
      if (taken === undefined || path === lock.object) return [];
      const { take, release } = lock;
      return [
        {
          kind: 'one lock order',
          says: `take ${lock.name} before ${taken.trace.c} in ${inFunction(taken.where.activations)}`,
          edits: [{ kind: 'hold', take, release, from: taken.where.key, to: where.key }],
          size: 1,
          group: `order ${thread} ${path}`,
        },
      ];
    });
  });
}
