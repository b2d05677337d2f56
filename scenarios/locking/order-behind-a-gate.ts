/**
 * Two locks in both orders, and a third around both: a kernel warns of it, and nothing can ever hang. The warning is worth
 * having all the same, for the day on which somebody takes the two without the third.
 */
import type { Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type Handle, type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { type Mutex, mutex } from '../../machines/sync/mutex.ts';
import { call, defineScenario, type Expectation, variant } from '../../src/index.ts';

const container = struct('container', { lock: mutex(), users: field<number>(0) });
type Container = HandleTo<typeof container>;
const group = struct('group', { lock: mutex() });
const iommu = struct('iommu', { lock: mutex() });

function* count_up(users: Container['users'], outer: Handle<Mutex>, inner: Handle<Mutex>): Operation {
  yield* mutex_lock(outer);
  yield* mutex_lock(inner);
  yield* store(users, (yield* load(users)) + 1);
  yield* mutex_unlock(inner);
  yield* mutex_unlock(outer);
}

function* count_up_behind(container: Container, outer: Handle<Mutex>, inner: Handle<Mutex>): Operation {
  yield* mutex_lock(container.lock);
  yield* count_up(container.users, outer, inner);
  yield* mutex_unlock(container.lock);
}

/** Who may not wait for the inner lock gives the outer one back. */
function* try_to_count_up(users: Container['users'], outer: Handle<Mutex>, inner: Handle<Mutex>): Operation<number> {
  yield* mutex_lock(outer);
  const got = yield* mutex_trylock(inner);
  if (got) yield* store(users, (yield* load(users)) + 1);
  if (got) yield* mutex_unlock(inner);
  yield* mutex_unlock(outer);
  return got ? 0 : -16;
}

const objects = { container, group, iommu };
const both: Expectation = { kind: 'lock-order', object: 'group.lock', between: ['mutex_lock', 'mutex_lock'] };

export default defineScenario({
  name: 'order-behind-a-gate',
  summary: 'Two locks are taken in both orders, with and without a third around them',
  source: 'Documentation/locking/lockdep-design.rst',
  covers: [],
  tags: ['locking'],
  variants: {
    open: variant({
      objects,
      threads: ({ container: { users }, group, iommu }) => ({
        one: [call(count_up, users, group.lock, iommu.lock)],
        other: [call(count_up, users, iommu.lock, group.lock)],
      }),
      expect: [{ kind: 'deadlock', object: 'iommu.lock', between: ['mutex_lock', 'mutex_lock'] }, both],
    }),
    gate: variant({
      objects,
      threads: ({ container, group, iommu }) => ({
        one: [call(count_up_behind, container, group.lock, iommu.lock)],
        other: [call(count_up_behind, container, iommu.lock, group.lock)],
      }),
      expect: [both],
    }),
    'one-thread': variant({
      objects,
      threads: ({ container: { users }, group, iommu }) => ({
        one: [call(count_up, users, group.lock, iommu.lock), call(count_up, users, iommu.lock, group.lock)],
      }),
      expect: [both],
    }),
    trylock: variant({
      objects,
      threads: ({ container: { users }, group, iommu }) => ({
        one: [call(count_up, users, group.lock, iommu.lock)],
        other: [call(try_to_count_up, users, iommu.lock, group.lock)],
      }),
      expect: [],
    }),
  },
});
