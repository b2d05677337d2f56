/**
 * device_state is bits, and a user changes his own by reading the register and writing it back. Between the two another
 * thread of the user may do the same, and what it has written is lost.
 *
 * The thread that stops the virtual machine clears RUNNING; the thread that migrates sets SAVING. Where the second has read
 * the register before and writes it after, the device runs again, after everybody was told that it stands still; where the
 * first one is late, SAVING is lost, and there is nothing to be read. No kernel says a word: each write is in order.
 *
 * A mutex of the user around the two accesses mends it. In v2 there are no bits: a whole state is set, in one call.
 */
import { one_at_a_time, vfio_migration_set_state } from '../../actors/vfio/rfc-2019-12/qemu_migration.ts';
import type { Operation } from '../../actors/step.ts';
import * as v6_12 from '../../actors/vfio/v6.12/index.ts';
import { globals, type HandleTo, pool } from '../../machines/object.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import {
  type MigrationRegion,
  migration_region,
  VFIO_DEVICE_STATE_RUNNING,
  VFIO_DEVICE_STATE_SAVING,
} from '../../machines/vfio/rfc-2019-12/migration.ts';
import { mlx5_vf_migration_file, mlx5vf_pci_core_device } from '../../machines/vfio/v6.12/migration.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { migrationSessions } from '../laws/migration-sessions.ts';
import { ioctl_set_state } from './setup/v2.ts';

/** What QEMU has around its own state; not around that of the device. */
const user = globals('user', { lock: mutex() });
type User = HandleTo<typeof user>;

function* set_state_locked(user: User, region: MigrationRegion, bits: { clear?: number; set?: number }): Operation<number> {
  return yield* one_at_a_time(user.lock, () => vfio_migration_set_state(region, bits));
}

const stopped = local<number>('stopped');
const objects = { region: migration_region };
type Seen = View<typeof objects>;
const runs = ({ region }: Seen): boolean => (region.device_state.value & VFIO_DEVICE_STATE_RUNNING) !== 0;
const states = {
  always: { 'a device that was stopped does not run': (view: Seen) => view.result(stopped) !== 0 || !runs(view) },
  atEnd: {
    'it stands still and saves': ({ region }: Seen) => region.device_state.value === VFIO_DEVICE_STATE_SAVING,
  },
};

export default defineScenario({
  name: 'lost-state-update',
  summary: 'One thread stops a device while another begins to save it, and each writes back what it had read',
  source: 'RFC 03/09 vfio/pci: register a default migration region, December 2019',
  covers: ['F-6'],
  tags: ['seed-003'],
  variants: {
    rfc: variant({
      objects,
      threads: ({ region }) => ({
        vm_stop: [call(vfio_migration_set_state, region, { clear: VFIO_DEVICE_STATE_RUNNING }).into(stopped)],
        migration: [call(vfio_migration_set_state, region, { set: VFIO_DEVICE_STATE_SAVING })],
      }),
      ...states,
      sometimes: { 'both have read that it runs': ({ next }) => next('vm_stop') === 'store' && next('migration') !== null },
      serialisable: ['region.device_state'],
      expect: [
        { kind: 'invariant', object: 'region.device_state', between: ['store', 'store'] },
        { kind: 'end-state', object: 'region.device_state' },
        { kind: 'non-serialisable', object: 'region.device_state' },
      ],
    }),
    'one-mutex': variant({
      summary: 'The user holds a mutex from the read to the write.',
      objects: { ...objects, user },
      threads: ({ region, user }) => ({
        vm_stop: [call(set_state_locked, user, region, { clear: VFIO_DEVICE_STATE_RUNNING }).into(stopped)],
        migration: [call(set_state_locked, user, region, { set: VFIO_DEVICE_STATE_SAVING })],
      }),
      ...states,
      sometimes: { 'one waits for the other': ({ blocked }) => blocked('vm_stop') || blocked('migration') },
      serialisable: ['region.device_state'],
      expect: [],
    }),
    v2: variant({
      summary: 'v6.12: a whole state is set in one call, and the last one has it.',
      objects: { mvdev: mlx5vf_pci_core_device, migf: pool(mlx5_vf_migration_file) },
      threads: ({ mvdev, migf }) => ({
        vm_stop: [call(ioctl_set_state, mvdev, migf, v6_12.STOP)],
        migration: [call(ioctl_set_state, mvdev, migf, v6_12.STOP_COPY)],
      }),
      always: migrationSessions,
      sometimes: { 'one waits for the other': ({ blocked }) => blocked('vm_stop') || blocked('migration') },
      atEnd: { 'it does not run': ({ mvdev }) => ['STOP', 'STOP_COPY'].includes(mvdev.mig_state.state) },
      serialisable: ['mvdev.mig_state'],
      expect: [],
    }),
  },
});
