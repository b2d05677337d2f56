/**
 * A reset is put off while somebody changes the state of a device: whoever is done with that looks under the spinlock
 * whether it has to be made up for, and then cleans up the migration files, which takes a mutex. Nobody may sleep there.
 *
 * The fix makes the lock of the reset a mutex, too.
 */
import { might_sleep, type Operation } from '../../actors/step.ts';
import { load, store } from '../../actors/sync/memory.ts';
import { mutex_lock, mutex_unlock } from '../../actors/sync/mutex.ts';
import { rcu_read_lock, rcu_read_unlock } from '../../actors/sync/rcu.ts';
import { spin_lock, spin_unlock } from '../../actors/sync/spinlock.ts';
import { globals, type HandleTo, struct } from '../../machines/object.ts';
import { field } from '../../machines/sync/field.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { rcu_state } from '../../machines/sync/rcu.ts';
import { spinlock } from '../../machines/sync/spinlock.ts';
import { call, defineScenario, variant } from '../../src/index.ts';

const pds_vfio = struct('pds_vfio', {
  reset_lock: spinlock(),
  reset_mutex: mutex(),
  deferred_reset: field<boolean>(false),
  saving: field<number>(1),
});
type PdsVfio = HandleTo<typeof pds_vfio>;
const file = struct('pds_vfio_lm_file', { lock: mutex() });
type LmFile = HandleTo<typeof file>;
const kernel = globals('kernel', { rcu: rcu_state() });
type Kernel = HandleTo<typeof kernel>;

function* pds_vfio_put_save_file(pds: PdsVfio, file: LmFile): Operation {
  yield* mutex_lock(file.lock);
  yield* store(pds.saving, 0);
  yield* mutex_unlock(file.lock);
}

/** drivers/vfio/pci/pds/vfio_dev.c, v6.6. */
function* pds_vfio_state_mutex_unlock(pds: PdsVfio, file: LmFile): Operation {
  yield* spin_lock(pds.reset_lock);
  if (yield* load(pds.deferred_reset)) yield* pds_vfio_put_save_file(pds, file);
  yield* spin_unlock(pds.reset_lock);
}

function* pds_vfio_reset(pds: PdsVfio): Operation {
  yield* spin_lock(pds.reset_lock);
  yield* store(pds.deferred_reset, true);
  yield* spin_unlock(pds.reset_lock);
}

/** The same, v6.7. */
function* state_unlock_with_mutex(pds: PdsVfio, file: LmFile): Operation {
  yield* mutex_lock(pds.reset_mutex);
  if (yield* load(pds.deferred_reset)) yield* pds_vfio_put_save_file(pds, file);
  yield* mutex_unlock(pds.reset_mutex);
}

function* reset_with_mutex(pds: PdsVfio): Operation {
  yield* mutex_lock(pds.reset_mutex);
  yield* store(pds.deferred_reset, true);
  yield* mutex_unlock(pds.reset_mutex);
}

/** An allocation that may wait for memory, among readers of RCU. */
function* report_under_rcu({ rcu }: Kernel, pds: PdsVfio): Operation {
  yield* rcu_read_lock(rcu);
  yield* load(pds.saving);
  yield* might_sleep();
  yield* rcu_read_unlock(rcu);
}

function* report_after_rcu({ rcu }: Kernel, pds: PdsVfio): Operation {
  yield* rcu_read_lock(rcu);
  yield* load(pds.saving);
  yield* rcu_read_unlock(rcu);
  yield* might_sleep();
}

export default defineScenario({
  name: 'mutex-under-spinlock',
  summary: 'A mutex is taken where a spinlock is held, and the thread may sleep',
  source: 'ae2667cd8a47, v6.7',
  covers: [],
  tags: ['locking'],
  variants: {
    'v6.6': variant({
      objects: { pds: pds_vfio, file },
      threads: ({ pds, file }) => ({ user: [call(pds_vfio_state_mutex_unlock, pds, file)], reset: [call(pds_vfio_reset, pds)] }),
      expect: [{ kind: 'sleep-in-atomic', object: 'file.lock', between: ['spin_lock', 'mutex_lock'] }],
    }),
    'v6.7': variant({
      objects: { pds: pds_vfio, file },
      threads: ({ pds, file }) => ({ user: [call(state_unlock_with_mutex, pds, file)], reset: [call(reset_with_mutex, pds)] }),
      sometimes: { 'what was put off is made up for': ({ pds }) => pds.saving.value === 0 },
      expect: [],
    }),
    'rcu-reader': variant({
      objects: { kernel, pds: pds_vfio },
      threads: ({ kernel, pds }) => ({ user: [call(report_under_rcu, kernel, pds)] }),
      expect: [{ kind: 'sleep-in-atomic', object: 'report_under_rcu', between: ['rcu_read_lock', 'might_sleep'] }],
    }),
    'rcu-reader-done': variant({
      objects: { kernel, pds: pds_vfio },
      threads: ({ kernel, pds }) => ({ user: [call(report_after_rcu, kernel, pds)] }),
      expect: [],
    }),
  },
});
