/** An ioctl that finds its argument wrong returns with the lock that it has taken: whoever comes next waits for ever. */
import type { Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { call, daemon, defineScenario, variant } from '../../src/index.ts';

const vdev = struct('vdev', { lock: mutex(), irqs: field<number>(0) });
type Vdev = HandleTo<typeof vdev>;

const EINVAL = 22;

function* set_irqs({ lock, irqs }: Vdev, count: number): Operation<number> {
  yield* mutex_lock(lock);
  if ((yield* load(irqs)) >= count) return -EINVAL;
  yield* store(irqs, count);
  yield* mutex_unlock(lock);
  return 0;
}

function* set_irqs_one_way_out({ lock, irqs }: Vdev, count: number): Operation<number> {
  let ret = 0;
  yield* mutex_lock(lock);
  if ((yield* load(irqs)) >= count) ret = -EINVAL;
  else yield* store(irqs, count);
  yield* mutex_unlock(lock);
  return ret;
}

export default defineScenario({
  name: 'lock-kept-on-error',
  summary: 'A call that fails returns to user space with a lock held',
  source: 'lockdep_sys_exit(), kernel/locking/lockdep.c',
  covers: [],
  tags: ['locking'],
  variants: {
    kept: variant({
      objects: { vdev },
      threads: ({ vdev }) => ({ one: [call(set_irqs, vdev, 1)], other: [call(set_irqs, vdev, 1)] }),
      expect: [{ kind: 'lock-held-at-exit', object: 'vdev.lock', between: ['mutex_lock', 'return'] }],
    }),
    'kept-and-waited-for': variant({
      objects: { vdev },
      threads: ({ vdev }) => ({
        one: [call(set_irqs, vdev, 1)],
        other: [call(set_irqs, vdev, 1)],
        third: [call(set_irqs, vdev, 2)],
      }),
      expect: [{ kind: 'lock-held-at-exit', object: 'vdev.lock', between: ['mutex_lock', 'return'] }],
      leadsTo: [{ kind: 'deadlock', object: 'vdev.lock' }],
    }),
    'kept-by-a-kthread': variant({
      objects: { vdev },
      threads: ({ vdev }) => ({ user: [call(set_irqs_one_way_out, vdev, 1)], worker: daemon([call(set_irqs, vdev, 1)]) }),
      expect: [{ kind: 'lock-held-at-exit', object: 'vdev.lock', between: ['mutex_lock', 'return'] }],
    }),
    'one-way-out': variant({
      objects: { vdev },
      threads: ({ vdev }) => ({ one: [call(set_irqs_one_way_out, vdev, 1)], other: [call(set_irqs_one_way_out, vdev, 1)] }),
      expect: [],
    }),
  },
});
