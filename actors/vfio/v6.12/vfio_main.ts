/**
 * drivers/vfio/vfio_main.c, v6.12: VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, and the path that leads from one migration state
 * to another.
 *
 * Left out: drivers without migration, which get -ENOTTY; flags and sizes of the request, and copying it in, which come
 * before the driver is asked.
 */
import { MIG_STATES } from '../../../machines/vfio/v6.12/migration.ts';
import { choose, type Operation, WARN_ON } from '../../step.ts';
import { EFAULT, EINVAL, EMFILE } from '../errno.ts';

/** enum vfio_device_mig_state (include/uapi/linux/vfio.h) */
export const [ERROR, STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P] = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** `device->migration_flags` */
export const VFIO_MIGRATION_STOP_COPY = 1 << 0;
export const VFIO_MIGRATION_P2P = 1 << 1;
export const VFIO_MIGRATION_PRE_COPY = 1 << 2;

/** vfio_from_fsm_table: the state after this one on the way to that. By number; ERROR is no way. */
const vfio_from_fsm_table: Readonly<Record<number, readonly number[]>> = {
  //            ERROR STOP         RUNNING      STOP_COPY       RESUMING     RUNNING_P2P  PRE_COPY     PRE_COPY_P2P
  [STOP]: /*     */ [ERROR, STOP, RUNNING_P2P, STOP_COPY, RESUMING, RUNNING_P2P, RUNNING_P2P, RUNNING_P2P],
  [RUNNING]: /*  */ [ERROR, RUNNING_P2P, RUNNING, RUNNING_P2P, RUNNING_P2P, RUNNING_P2P, PRE_COPY, RUNNING_P2P],
  [STOP_COPY]: /**/ [ERROR, STOP, STOP, STOP_COPY, STOP, STOP, ERROR, ERROR],
  [RESUMING]: /* */ [ERROR, STOP, STOP, STOP, RESUMING, STOP, STOP, STOP],
  [RUNNING_P2P]: [ERROR, STOP, RUNNING, STOP, STOP, RUNNING_P2P, RUNNING, PRE_COPY_P2P],
  [PRE_COPY]: [ERROR, RUNNING, RUNNING, PRE_COPY_P2P, RUNNING, RUNNING, PRE_COPY, PRE_COPY_P2P],
  [PRE_COPY_P2P]: [ERROR, RUNNING_P2P, RUNNING_P2P, STOP_COPY, RUNNING_P2P, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P],
};

/** What a device must support to be in a state; nothing supports ERROR. */
const state_flags_table: readonly number[] = [
  ~0,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY,
  VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_PRE_COPY,
  VFIO_MIGRATION_STOP_COPY | VFIO_MIGRATION_P2P | VFIO_MIGRATION_PRE_COPY,
];

const isSupported = (flags: number, state: number): boolean => {
  const needs = state_flags_table[state];
  return needs !== undefined && (needs & flags) === needs;
};

/**
 * One hop on the way, over the states that the device does not support.
 * @param migration_flags of the device: VFIO_MIGRATION_STOP_COPY and what else it has
 * @returns the next state, or -EINVAL
 */
export function* vfio_mig_get_next_state(migration_flags: number, cur_fsm: number, new_fsm: number): Operation<number> {
  if (
    yield* WARN_ON(
      !isSupported(migration_flags, cur_fsm),
      `vfio_mig_get_next_state(): cur_fsm is ${MIG_STATES[cur_fsm] ?? cur_fsm}`,
    )
  )
    return -EINVAL;
  if (!isSupported(migration_flags, new_fsm)) return -EINVAL;
  const towards = (state: number): number => vfio_from_fsm_table[state]?.[new_fsm] ?? ERROR;
  let next = towards(cur_fsm);
  while (next !== ERROR && !isSupported(migration_flags, next)) next = towards(next);
  return next === ERROR ? -EINVAL : next;
}

/** struct vfio_migration_ops: what comes back from set_state is a file, nothing (0), or a negative errno. */
export interface VfioMigrationOps<D, F> {
  readonly migration_set_state: (device: D, new_state: number) => Operation<F | number>;
  readonly migration_get_state: (device: D) => Operation<number>;
  readonly fput: (filp: F) => Operation;
}

/**
 * The file is installed only when nothing can fail any more. Where one of these last steps does, it is put again; the
 * device stays in the state that it has come to.
 */
function* vfio_ioct_mig_return_fd<F>(filp: F, fput: (filp: F) => Operation, mayFail: boolean): Operation<F | number> {
  const fd = mayFail ? yield* choose('get_unused_fd_flags()', 'a descriptor', 'none left') : 'a descriptor';
  if (fd === 'none left') {
    yield* fput(filp);
    return -EMFILE;
  }
  const copied = mayFail ? yield* choose('copy_to_user()', 'copied', 'faults') : 'copied';
  if (copied === 'faults') {
    yield* fput(filp);
    return -EFAULT;
  }
  return filp;
}

/**
 * VFIO_DEVICE_FEATURE_SET. No lock is held around the driver's call.
 * @param mayFail whether there may be no descriptor left, or the result not be copied out
 * @returns the data file where the last arc has opened one; 0, with data_fd -1; or a negative errno
 */
export function* vfio_ioctl_device_feature_mig_device_state<D, F>(
  ops: VfioMigrationOps<D, F>,
  device: D,
  device_state: number,
  mayFail = false,
): Operation<F | number> {
  const filp = yield* ops.migration_set_state(device, device_state);
  if (typeof filp === 'number') return filp;
  return yield* vfio_ioct_mig_return_fd(filp, ops.fput, mayFail);
}

/** VFIO_DEVICE_FEATURE_GET */
export const vfio_get_device_state = <D, F>(ops: VfioMigrationOps<D, F>, device: D): Operation<number> =>
  ops.migration_get_state(device);
