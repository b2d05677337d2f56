/**
 * A reset concerns all devices of a set, so it takes the memory_lock of each: locks of one class, one within the other. To
 * the validator that is a thread which takes a lock that it holds, unless it is told apart or tried for.
 *
 * Whether it ends in a deadlock depends on who else does so. In VFIO all do it under the lock of the set.
 */
import type { Operation } from '../../actors/step.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { down_write, down_write_nested, down_write_trylock, up_write } from '../../actors/sync/rwsem.ts';
import { type HandleTo, struct } from '../../machines/object.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rwsem } from '../../machines/sync/rwsem.ts';
import { call, defineScenario, type Expectation, variant } from '../../src/index.ts';

const device = struct('vfio_pci_core_device', { memory_lock: rwsem() });
interface Device extends HandleTo<typeof device> {}
const dev_set = struct('vfio_device_set', { lock: mutex() });
type DevSet = HandleTo<typeof dev_set>;

const EBUSY = 16;

function* reset_both(first: Device, second: Device): Operation {
  yield* down_write(first.memory_lock);
  yield* down_write(second.memory_lock);
  yield* up_write(second.memory_lock);
  yield* up_write(first.memory_lock);
}

function* reset_both_nested(first: Device, second: Device): Operation {
  yield* down_write(first.memory_lock);
  yield* down_write_nested(second.memory_lock, 1);
  yield* up_write(second.memory_lock);
  yield* up_write(first.memory_lock);
}

/** drivers/vfio/pci/vfio_pci_core.c: it gives up where a device is in use just now. */
function* vfio_pci_dev_set_hot_reset(set: DevSet, first: Device, second: Device): Operation<number> {
  let ret = 0;
  yield* mutex_lock(set.lock);
  if (yield* down_write_trylock(first.memory_lock)) {
    if (yield* down_write_trylock(second.memory_lock)) yield* up_write(second.memory_lock);
    else ret = -EBUSY;
    yield* up_write(first.memory_lock);
  } else ret = -EBUSY;
  yield* mutex_unlock(set.lock);
  return ret;
}

function* reset_under_the_set(set: DevSet, first: Device, second: Device): Operation {
  yield* mutex_lock(set.lock);
  yield* reset_both(first, second);
  yield* mutex_unlock(set.lock);
}

const objects = { a: device, b: device, dev_set };
const nested: Expectation = { kind: 'lock-order', object: 'a.memory_lock', between: ['down_write', 'down_write'] };

export default defineScenario({
  name: 'memory-locks-of-a-set',
  summary: 'A reset takes several locks of one class, one within the other',
  source: 'drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dev_set_hot_reset(), v6.6',
  covers: [],
  tags: ['locking'],
  variants: {
    'in-any-order': variant({
      objects,
      threads: ({ a, b }) => ({ one: [call(reset_both, a, b)], other: [call(reset_both, b, a)] }),
      expect: [{ kind: 'deadlock', object: 'b.memory_lock' }, nested],
    }),
    'in-any-order-under-a-lock': variant({
      objects,
      threads: ({ a, b, dev_set }) => ({
        one: [call(reset_under_the_set, dev_set, a, b)],
        other: [call(reset_under_the_set, dev_set, b, a)],
      }),
      expect: [nested],
    }),
    'in-one-order': variant({
      objects,
      threads: ({ a, b }) => ({ one: [call(reset_both, a, b)], other: [call(reset_both, a, b)] }),
      expect: [{ ...nested, object: 'b.memory_lock' }],
    }),
    'in-one-order-nested': variant({
      objects,
      threads: ({ a, b }) => ({ one: [call(reset_both_nested, a, b)], other: [call(reset_both_nested, a, b)] }),
      expect: [],
    }),
    tried: variant({
      objects,
      threads: ({ a, b, dev_set }) => ({
        one: [call(vfio_pci_dev_set_hot_reset, dev_set, a, b)],
        other: [call(vfio_pci_dev_set_hot_reset, dev_set, b, a)],
      }),
      expect: [],
    }),
  },
});
