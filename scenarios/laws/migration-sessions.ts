/** Migration v2: the files of a device fit the state that it is in, whenever nobody is about to change it. */
import type { ViewOf } from '../../machines/object.ts';
import type { mlx5_vf_migration_file, mlx5vf_pci_core_device } from '../../machines/vfio/v6.12/migration.ts';

interface Migrating {
  readonly mvdev: ViewOf<typeof mlx5vf_pci_core_device>;
  readonly all: (pool: 'migf') => readonly ViewOf<typeof mlx5_vf_migration_file>[];
}

const isSet = ({ value }: { readonly value: unknown }): boolean => (value as { at: string }).at !== 'NULL';
const SAVING = ['STOP_COPY', 'PRE_COPY', 'PRE_COPY_P2P'];

/** For a device `mvdev` whose files come from the pool `migf`. */
export const migrationSessions = {
  'while nobody changes its state, the device has the file that goes with it, and no other': ({ mvdev }: Migrating): boolean =>
    mvdev.state_mutex.owner !== null ||
    (isSet(mvdev.saving_migf) === SAVING.includes(mvdev.mig_state.state) &&
      isSet(mvdev.resuming_migf) === (mvdev.mig_state.state === 'RESUMING')),
  'no two files are in use': ({ all }: Migrating): boolean =>
    all('migf').filter(({ freed, state }) => !freed && state.value !== 'error').length <= 1,
};
