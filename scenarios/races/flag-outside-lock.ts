/**
 * A flag is set under a lock, and looked at without it. What the reader gets is a hint at best, and the compiler may read
 * it twice or tear it: unless both accesses are marked, that is a data race. READ_ONCE() alone does not mend it, though
 * KCSAN is silent then as it is configured by default, for it takes a plain write of a word to be atomic.
 *
 * Marked or not, the answer may be old by the time that it is used: who needs it to hold takes the lock.
 */
import { load, READ_ONCE, store, WRITE_ONCE } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import type { Operation } from '../../actors/step.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, defineScenario, variant } from '../../src/index.ts';

const queue = struct('queue', { lock: mutex(), dying: field<boolean>(false) });
interface Queue extends HandleTo<typeof queue> {}

const kill = (set: typeof store) =>
  function* queue_kill({ lock, dying }: Queue): Operation {
    yield* mutex_lock(lock);
    yield* set(dying, true);
    yield* mutex_unlock(lock);
  };

const submit = (get: typeof load) =>
  function* queue_submit({ dying }: Queue): Operation<number> {
    return (yield* get(dying)) ? -19 : 0;
  };

function* queue_submit_locked(q: Queue): Operation<number> {
  yield* mutex_lock(q.lock);
  const ret = yield* submit(load)(q);
  yield* mutex_unlock(q.lock);
  return ret;
}

const race = { kind: 'data-race', object: 'queue.dying', between: ['load', 'store'] } as const;

export default defineScenario({
  name: 'flag-outside-lock',
  summary: 'A flag that is set under a lock is read without it',
  source: 'tools/memory-model/Documentation/access-marking.txt, "Lock-Protected Writes With Lockless Reads"',
  covers: [],
  tags: ['races'],
  variants: {
    plain: variant({
      summary: 'Both accesses are plain.',
      objects: { queue },
      threads: ({ queue }) => ({ killer: [call(kill(store), queue)], user: [call(submit(load), queue)] }),
      expect: [race],
    }),
    'marked-reader': variant({
      summary: 'The reader has READ_ONCE(), the writer a plain store.',
      objects: { queue },
      threads: ({ queue }) => ({ killer: [call(kill(store), queue)], user: [call(submit(READ_ONCE), queue)] }),
      expect: [race],
    }),
    marked: variant({
      summary: 'READ_ONCE() and WRITE_ONCE().',
      objects: { queue },
      threads: ({ queue }) => ({ killer: [call(kill(WRITE_ONCE), queue)], user: [call(submit(READ_ONCE), queue)] }),
      races: true,
      expect: [],
    }),
    locked: variant({
      summary: 'The reader takes the lock.',
      objects: { queue },
      threads: ({ queue }) => ({ killer: [call(kill(store), queue)], user: [call(queue_submit_locked, queue)] }),
      races: true,
      expect: [],
    }),
  },
});
