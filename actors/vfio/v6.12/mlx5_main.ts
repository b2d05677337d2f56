/**
 * drivers/vfio/pci/mlx5/main.c, v6.12: the migration states of a ConnectX function, and the files through which its
 * state leaves and comes.
 *
 * The state has a mutex. A reset comes from code that holds locks which nest with that of the address space, and must not
 * wait for it: it leaves word under a spinlock, and whoever holds the mutex makes up for it. The mutex is therefore let go
 * within the spinlock.
 *
 * Where C reads mvdev->mig_state twice under the mutex, it is read once here: nobody else writes it. Read in copies
 * from after v6.12, by when every device has pre-copy, as here.
 *
 * Left out: the firmware, whose commands succeed here, so that a save never fails, and with it -EIO for who leaves pre-copy
 * after one that did; the order of DMA that they bring about; page tracking; buffers but for their number, and the position
 * in them; saving in the background, and the poll of it; devices that cannot migrate.
 */
import { NULL } from '../../../machines/object.ts';
import { kfree, kzalloc, message, type Operation, send, WARN_ON } from '../../step.ts';
import type { Migf, MigState, Mvdev } from '../../../machines/vfio/v6.12/migration.ts';
import { fput, get_file } from '../../sync/file.ts';
import { load, store } from '../../sync/memory.ts';
import { mutex_lock, mutex_trylock, mutex_unlock } from '../../sync/mutex.ts';
import { spin_lock, spin_unlock } from '../../sync/spinlock.ts';
import { follow, isNull } from '../../driver-core/pointer.ts';
import { EINVAL, ENODEV, ENOMSG } from '../errno.ts';
import {
  PRE_COPY,
  PRE_COPY_P2P,
  RESUMING,
  RUNNING,
  RUNNING_P2P,
  STOP,
  STOP_COPY,
  VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY,
  vfio_mig_get_next_state,
  type VfioMigrationOps,
} from './vfio_main.ts';

/** What mlx5vf_cmd_set_migratable() sets where the firmware has pre-copy. */
const migration_flags = VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY;

/** How many buffers a save has, of which pre-copy takes one. */
const BUFFERS = 2;

function* mlx5vf_disable_fd(migf: Migf): Operation {
  yield* mutex_lock(migf.lock);
  yield* store(migf.state, 'error');
  yield* mutex_unlock(migf.lock);
}

/** The release of a migration file. */
function* mlx5vf_release_file(migf: Migf): Operation {
  yield* mlx5vf_disable_fd(migf);
  yield* kfree(migf);
}

/** A reference of the user's or of the driver's; the last one releases the file on the way back to user space. */
export const mlx5vf_fput = (migf: Migf): Operation => fput(migf.f_count, () => mlx5vf_release_file(migf));

/** @returns a buffer's number from 1; 0 at the end; -ENOMSG where there is nothing yet, -ENODEV where there will be nothing */
export function* mlx5vf_save_read(migf: Migf): Operation<number> {
  yield* mutex_lock(migf.lock);
  const state = yield* load(migf.state);
  let done = state === 'error' ? -ENODEV : yield* load(migf.buf_list);
  if (done > 0) yield* store(migf.buf_list, done - 1);
  else if (done === 0 && state === 'pre_copy') done = -ENOMSG;
  yield* mutex_unlock(migf.lock);
  return done;
}

/**
 * A write to a file that resumes. The image is taken over as soon as it is whole, which is why the state stands still.
 * @param mvdev `migf->mvdev`, which does not change
 * @returns 0 or -ENODEV
 */
export function* mlx5vf_resume_write(mvdev: Mvdev, migf: Migf): Operation<number> {
  yield* mutex_lock(mvdev.state_mutex);
  yield* mutex_lock(migf.lock);
  const isDisabled = (yield* load(migf.state)) === 'error';
  if (!isDisabled) yield* store(migf.buf_list, (yield* load(migf.buf_list)) + 1);
  yield* mutex_unlock(migf.lock);
  yield* mlx5vf_state_mutex_unlock(mvdev);
  return isDisabled ? -ENODEV : 0;
}

/** anon_inode_getfile() gives the file its first reference. @param track pre-copy: the device goes on changing */
function* mlx5vf_pci_save_device_data(pool: Migf, track: boolean): Operation<Migf> {
  const migf = yield* kzalloc(pool);
  yield* store(migf.state, track ? 'pre_copy' : 'complete');
  yield* store(migf.buf_list, track ? 1 : BUFFERS);
  return migf;
}

const mlx5vf_pci_resume_device_data = (pool: Migf): Operation<Migf> => kzalloc(pool);

/** What pre-copy has not saved, now that the device stands still. It is added to the file that is open. */
function* mlx5vf_pci_save_device_inc_data(mvdev: Mvdev): Operation<number> {
  const migf = yield* follow(mvdev.saving_migf);
  if ((yield* load(migf.state)) === 'error') return -ENODEV;
  yield* store(migf.buf_list, (yield* load(migf.buf_list)) + BUFFERS - 1);
  yield* store(migf.state, 'complete');
  return 0;
}

/** Under the state mutex: the user's descriptors stay open, and are of no more use. */
function* mlx5vf_disable_fds(mvdev: Mvdev): Operation {
  for (const pointer of [mvdev.resuming_migf, mvdev.saving_migf]) {
    const migf = yield* load(pointer);
    if (isNull(migf)) continue;
    yield* mlx5vf_disable_fd(migf);
    yield* mlx5vf_fput(migf);
    yield* store(pointer, NULL);
  }
}

/** One arc. Under the state mutex. @returns the file that it opens, 0, or a negative errno */
function* mlx5vf_pci_step_device_state_locked(mvdev: Mvdev, next: number, pool: Migf): Operation<Migf | number> {
  const cur = yield* load(mvdev.mig_state);
  const isArc = (from: number, to: number): boolean => cur === from && next === to;

  // Suspending and resuming the function is the firmware's.
  if (isArc(RUNNING_P2P, STOP) || isArc(STOP, RUNNING_P2P)) return 0;
  if (isArc(RUNNING, RUNNING_P2P) || isArc(PRE_COPY, PRE_COPY_P2P)) return 0;
  if (isArc(RUNNING_P2P, RUNNING) || isArc(PRE_COPY_P2P, PRE_COPY)) return 0;
  if (isArc(STOP, STOP_COPY)) {
    const migf = yield* mlx5vf_pci_save_device_data(pool, false);
    yield* get_file(migf.f_count);
    yield* store(mvdev.saving_migf, migf);
    return migf;
  }
  if (isArc(STOP_COPY, STOP) || isArc(PRE_COPY, RUNNING) || isArc(PRE_COPY_P2P, RUNNING_P2P)) {
    yield* mlx5vf_disable_fds(mvdev);
    return 0;
  }
  if (isArc(STOP, RESUMING)) {
    const migf = yield* mlx5vf_pci_resume_device_data(pool);
    yield* get_file(migf.f_count);
    yield* store(mvdev.resuming_migf, migf);
    return migf;
  }
  if (isArc(RESUMING, STOP)) {
    yield* mlx5vf_disable_fds(mvdev);
    return 0;
  }
  if (isArc(RUNNING, PRE_COPY) || isArc(RUNNING_P2P, PRE_COPY_P2P)) {
    const migf = yield* mlx5vf_pci_save_device_data(pool, true);
    yield* get_file(migf.f_count);
    yield* store(mvdev.saving_migf, migf);
    return migf;
  }
  if (isArc(PRE_COPY_P2P, STOP_COPY)) return yield* mlx5vf_pci_save_device_inc_data(mvdev);
  yield* WARN_ON(true, 'mlx5vf_pci_step_device_state_locked(): an arc that vfio_mig_get_next_state() does not use');
  return -EINVAL;
}

/** `mvdev->mig_state = VFIO_DEVICE_STATE_RUNNING`, which a reset has brought about from wherever it was. */
const wasReset = (mvdev: Mvdev): Operation =>
  send(
    message<MigState, 'reset'>({ kind: 'write', plain: true }, mvdev.mig_state, 'reset', undefined, {
      c: '$ = VFIO_DEVICE_STATE_RUNNING',
    }),
  );

/** Wherever the mutex is let go. A reset that comes after the look at the flag finds the mutex free. */
function* mlx5vf_state_mutex_unlock(mvdev: Mvdev): Operation {
  yield* spin_lock(mvdev.reset_lock);
  if (yield* load(mvdev.deferred_reset)) {
    yield* store(mvdev.deferred_reset, false);
    yield* spin_unlock(mvdev.reset_lock);
    yield* wasReset(mvdev);
    yield* mlx5vf_disable_fds(mvdev);
    // In C a jump back, once for each reset that has come meanwhile.
    yield* mlx5vf_state_mutex_unlock(mvdev);
    return;
  }
  yield* mutex_unlock(mvdev.state_mutex);
  yield* spin_unlock(mvdev.reset_lock);
}

/** A path may open a file only with its last arc. */
function* mlx5vf_pci_set_device_state(mvdev: Mvdev, new_state: number, pool: Migf): Operation<Migf | number> {
  yield* mutex_lock(mvdev.state_mutex);
  let res: Migf | number = 0;
  for (;;) {
    const cur = yield* load(mvdev.mig_state);
    if (cur === new_state) break;
    const next = yield* vfio_mig_get_next_state(migration_flags, cur, new_state);
    res = next < 0 ? next : yield* mlx5vf_pci_step_device_state_locked(mvdev, next, pool);
    if (typeof res === 'number' && res < 0) break;
    yield* store(mvdev.mig_state, next);
    if (yield* WARN_ON(typeof res === 'object' && next !== new_state, 'res && new_state != mvdev->mig_state')) {
      yield* mlx5vf_fput(res as Migf);
      res = -EINVAL;
      break;
    }
  }
  yield* mlx5vf_state_mutex_unlock(mvdev);
  return res;
}

function* mlx5vf_pci_get_device_state(mvdev: Mvdev): Operation<number> {
  yield* mutex_lock(mvdev.state_mutex);
  const state = yield* load(mvdev.mig_state);
  yield* mlx5vf_state_mutex_unlock(mvdev);
  return state;
}

/** The end of a reset, within the locks of VFIO that go with it. */
export function* mlx5vf_pci_aer_reset_done(mvdev: Mvdev): Operation {
  yield* spin_lock(mvdev.reset_lock);
  yield* store(mvdev.deferred_reset, true);
  if (!(yield* mutex_trylock(mvdev.state_mutex))) {
    yield* spin_unlock(mvdev.reset_lock);
    return;
  }
  yield* spin_unlock(mvdev.reset_lock);
  yield* mlx5vf_state_mutex_unlock(mvdev);
}

/** mlx5vf_cmd_close_migratable(): the device is closed; who still has a migration file reads -ENODEV. */
export function* mlx5vf_cmd_close_migratable(mvdev: Mvdev): Operation {
  yield* mutex_lock(mvdev.state_mutex);
  yield* mlx5vf_disable_fds(mvdev);
  yield* mlx5vf_state_mutex_unlock(mvdev);
}

/** @param pool where its migration files come from */
export const mlx5vf_pci_mig_ops = (pool: Migf): VfioMigrationOps<Mvdev, Migf> => ({
  migration_set_state: (mvdev, new_state) => mlx5vf_pci_set_device_state(mvdev, new_state, pool),
  migration_get_state: mlx5vf_pci_get_device_state,
  fput: mlx5vf_fput,
});
