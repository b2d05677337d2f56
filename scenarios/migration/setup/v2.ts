/** What a user of migration v2 does, in the words of the calls that he makes: mlx5-vfio-pci at v6.12. */
import type { Operation } from '../../../actors/step.ts';
import * as v6_12 from '../../../actors/vfio/v6.12/index.ts';
import type { Migf, Mvdev } from '../../../machines/vfio/v6.12/migration.ts';

/** VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE. @returns the data file, 0, or a negative errno */
export function* ioctl_set_state(mvdev: Mvdev, migf: Migf, state: number, mayFail = false): Operation<Migf | number> {
  return yield* v6_12.vfio_ioctl_device_feature_mig_device_state(v6_12.mlx5vf_pci_mig_ops(migf), mvdev, state, mayFail);
}

/** VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE */
export function* ioctl_get_state(mvdev: Mvdev, migf: Migf): Operation<number> {
  return yield* v6_12.vfio_get_device_state(v6_12.mlx5vf_pci_mig_ops(migf), mvdev);
}

/** Who has got no descriptor reads and writes nothing. */
export function* read_data(fd: Migf | number): Operation<number> {
  return typeof fd === 'number' ? fd : yield* v6_12.mlx5vf_save_read(fd);
}

export function* write_data(mvdev: Mvdev, fd: Migf | number): Operation<number> {
  return typeof fd === 'number' ? fd : yield* v6_12.mlx5vf_resume_write(mvdev, fd);
}

export function* close(fd: Migf | number): Operation {
  if (typeof fd !== 'number') yield* v6_12.mlx5vf_fput(fd);
}
