/**
 * Two threads of a user set the migration state of one device.
 *
 * In v2 what is set is a whole state, and not bits of it. The driver takes a mutex for the path that leads there, so that of
 * two who set a state the last one has it, and no path is left halfway. A path may begin where the other has ended: who
 * asks for RESUMING ends the session of who had asked for STOP_COPY, whose descriptor is still open, and says -ENODEV.
 * Who asks for the state that the device is in already gets no descriptor: the one that there is belongs to who came first.
 *
 * The reset of a device makes itself felt in the same way: it leaves word for whoever holds the mutex, and the descriptor
 * that comes back may be dead already. Who writes to a file that resumes holds it, too.
 */
import * as v6_12 from '../../actors/vfio/v6.12/index.ts';
import { pool } from '../../machines/object.ts';
import { type Migf, mlx5_vf_migration_file, mlx5vf_pci_core_device, type Mvdev } from '../../machines/vfio/v6.12/migration.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { migrationSessions } from '../laws/migration-sessions.ts';
import { close, ioctl_set_state, read_data, write_data } from './setup/v2.ts';

const objects = { mvdev: mlx5vf_pci_core_device, migf: pool(mlx5_vf_migration_file) };
const fd = { a: local<Migf | number>('fd of a'), b: local<Migf | number>('fd of b') };
const read = { a: local<number>('read by a'), b: local<number>('read by b') };
const written = local<number>('written');
const wrote = local<number>('written by b');
type Seen = View<typeof objects>;

const sets = (who: 'a' | 'b', { mvdev, migf }: { mvdev: Mvdev; migf: Migf }, state: number) => [
  call(ioctl_set_state, mvdev, migf, state).into(fd[who]),
  call(read_data, fd[who]).into(read[who]),
  call(close, fd[who]),
];

const isFile = (got: Migf | number | undefined): boolean => typeof got === 'object';
const STOPPED = { 'mvdev.mig_state': { initially: 'STOP' } };
/** The driver has its reference until the session ends; all others are put. */
const leaks = {
  migf: ({ mvdev, all }: Seen) =>
    all('migf').filter(({ freed }) => !freed).length -
    [mvdev.saving_migf, mvdev.resuming_migf].filter(({ value }) => value.at !== 'NULL').length,
};

export default defineScenario({
  name: 'set-state-twice',
  summary: 'Two threads set the migration state of one device, each to another, or both to the same',
  source: 'drivers/vfio/pci/mlx5/main.c, mlx5vf_pci_set_device_state(), v6.12',
  covers: ['D-34', 'D-35', 'D-42'],
  tags: ['seed-003'],
  variants: {
    'v6.12-two-targets': variant({
      objects,
      start: STOPPED,
      threads: ({ mvdev, migf }) => ({
        a: sets('a', { mvdev, migf }, v6_12.STOP_COPY),
        b: [
          call(ioctl_set_state, mvdev, migf, v6_12.RESUMING).into(fd.b),
          call(write_data, mvdev, fd.b).into(wrote),
          call(close, fd.b),
        ],
      }),
      always: migrationSessions,
      sometimes: {
        'a reads what b has made an end of': ({ result }) => result(read.a) === -19,
        'a reads its data': ({ result }) => (result(read.a) ?? 0) > 0,
        'b writes to what a has made an end of': ({ result }) => result(wrote) === -19,
        'b writes its data': ({ result }) => result(wrote) === 0,
      },
      atEnd: {
        'who came last has the state': ({ mvdev }) => ['STOP_COPY', 'RESUMING'].includes(mvdev.mig_state.state),
        'each has got a file': ({ result }) => isFile(result(fd.a)) && isFile(result(fd.b)),
      },
      leaks,
      expect: [],
    }),
    'v6.12-one-target': variant({
      objects,
      start: STOPPED,
      threads: (all) => ({ a: sets('a', all, v6_12.STOP_COPY), b: sets('b', all, v6_12.STOP_COPY) }),
      always: migrationSessions,
      sometimes: {
        'a has come first': ({ result }) => isFile(result(fd.a)),
        'b has come first': ({ result }) => isFile(result(fd.b)),
      },
      atEnd: { 'one has got the file, the other none': ({ result }) => isFile(result(fd.a)) !== isFile(result(fd.b)) },
      leaks,
      expect: [],
    }),
    'v6.12-reset': variant({
      summary: 'The device is reset meanwhile.',
      objects,
      start: STOPPED,
      threads: (all) => ({ a: sets('a', all, v6_12.STOP_COPY), reset: [call(v6_12.mlx5vf_pci_aer_reset_done, all.mvdev)] }),
      always: migrationSessions,
      sometimes: {
        'the reset leaves its work to who sets the state': ({ ended, mvdev }) => ended('reset') && mvdev.deferred_reset.value,
        'the descriptor that comes back is dead': ({ result }) => result(read.a) === -19,
        'the reset comes first': ({ ended, mvdev }) =>
          ended('reset') && mvdev.state_mutex.owner === null && mvdev.mig_state.state === 'STOP_COPY',
      },
      atEnd: {
        'word of the reset does not stay behind': ({ mvdev }) => !mvdev.deferred_reset.value,
        'it runs, or the reset has come first': ({ mvdev }) => ['RUNNING', 'STOP_COPY'].includes(mvdev.mig_state.state),
      },
      leaks,
      expect: [],
    }),
    'v6.12-reset-while-writing': variant({
      summary: 'The device is reset while its image is written.',
      objects,
      start: STOPPED,
      threads: ({ mvdev, migf }) => ({
        user: [
          call(ioctl_set_state, mvdev, migf, v6_12.RESUMING).into(fd.a),
          call(write_data, mvdev, fd.a).into(written),
          call(close, fd.a),
        ],
        reset: [call(v6_12.mlx5vf_pci_aer_reset_done, mvdev)],
      }),
      always: migrationSessions,
      sometimes: {
        'the reset leaves its work to who writes': ({ ended, result, mvdev }) =>
          ended('reset') && isFile(result(fd.a)) && mvdev.deferred_reset.value,
        'it is written to': ({ result }) => result(written) === 0,
        'what it is written to is dead': ({ result }) => result(written) === -19,
      },
      atEnd: {
        'word of the reset does not stay behind': ({ mvdev }) => !mvdev.deferred_reset.value,
        'it runs, or the reset has come first': ({ mvdev }) => ['RUNNING', 'RESUMING'].includes(mvdev.mig_state.state),
      },
      leaks,
      expect: [],
    }),
    'v6.12-no-descriptor': variant({
      summary:
        'There is no descriptor left, or the answer cannot be copied out: the device stays in the state, and the session is lost.',
      objects,
      start: STOPPED,
      threads: ({ mvdev, migf }) => ({
        user: [
          call(ioctl_set_state, mvdev, migf, v6_12.STOP_COPY, true).into(fd.a),
          call(close, fd.a),
          call(ioctl_set_state, mvdev, migf, v6_12.STOP).into(fd.b),
        ],
      }),
      always: migrationSessions,
      sometimes: {
        'no descriptor, and the state is changed': ({ result, mvdev }) =>
          result(fd.a) === -24 && mvdev.mig_state.state === 'STOP_COPY',
        'not copied, and the state is changed': ({ result, mvdev }) =>
          result(fd.a) === -14 && mvdev.mig_state.state === 'STOP_COPY',
      },
      atEnd: { 'STOP leads out of it': ({ mvdev, result }) => mvdev.mig_state.state === 'STOP' && result(fd.b) === 0 },
      leaks,
      expect: [],
    }),
  },
});
