/**
 * A device is migrated with v2, from the first read of pre-copy to the last write at the destination; and any two states
 * are asked for, one after the other.
 *
 * From one state to another leads a path that the core works out, hop by hop. Only the last hop may open a file, so that a
 * caller gets one at most. From STOP_COPY no way leads back to pre-copy, and nothing leads to ERROR or out of it.
 */
import * as v6_12 from '../../actors/vfio/v6.12/index.ts';
import { choose, type Operation } from '../../actors/step.ts';
import { pool } from '../../machines/object.ts';
import {
  MIG_STATES,
  type Migf,
  mlx5_vf_migration_file,
  mlx5vf_pci_core_device,
  type Mvdev,
} from '../../machines/vfio/v6.12/migration.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { migrationSessions } from '../laws/migration-sessions.ts';
import { close, ioctl_get_state, ioctl_set_state, read_data, write_data } from './setup/v2.ts';

const objects = { mvdev: mlx5vf_pci_core_device, migf: pool(mlx5_vf_migration_file, 2) };
type Seen = View<typeof objects>;

const fd = local<Migf | number>('fd');
const got = (what: string) => local<Migf | number>(what);
const [first, nothingYet, stopCopy, second, end] = [
  got('first read'),
  got('second read'),
  got('STOP_COPY'),
  got('third read'),
  got('fourth read'),
];
const [stop, dead, run, state] = [got('STOP'), got('last access'), got('RUNNING'), local<number>('state')];
const [ENODEV, EINVAL, ENOMSG] = [-19, -22, -42];

const asked = local<readonly number[]>('asked');

/** Two states that are asked for, whatever they are, and what came of each: 1 is a file. */
function* set_any_two(mvdev: Mvdev, migf: Migf): Operation<readonly number[]> {
  const [one, other] = [yield* set_any(mvdev, migf, 'first'), yield* set_any(mvdev, migf, 'then')];
  yield* close(one.res);
  yield* close(other.res);
  return [one, other].flatMap(({ target, res }) => [target, typeof res === 'number' ? res : 1]);
}

function* set_any(mvdev: Mvdev, migf: Migf, when: string): Operation<{ target: number; res: Migf | number }> {
  const target = MIG_STATES.indexOf(yield* choose(`${when} asks for`, ...MIG_STATES));
  return { target, res: yield* ioctl_set_state(mvdev, migf, target) };
}

const isLast = ({ result, mvdev }: Seen): boolean => {
  const [first = 0, gotFirst = 0, then = 0, gotThen = 0] = result(asked) ?? [];
  const reached = gotThen >= 0 ? then : gotFirst >= 0 ? first : v6_12.RUNNING;
  return MIG_STATES[reached] === mvdev.mig_state.state;
};
const came = (first: number, gotFirst: number, then: number, gotThen: number) => (view: Seen) =>
  JSON.stringify(view.result(asked)) === JSON.stringify([first, gotFirst, then, gotThen]);

export default defineScenario({
  name: 'migrate-v2',
  summary: 'A device is migrated with v2: pre-copy, stop-and-copy, resume; and any two states, one after the other',
  source: 'include/uapi/linux/vfio.h, enum vfio_device_mig_state, v6.12',
  covers: [],
  tags: ['seed-003'],
  variants: {
    source: variant({
      summary: 'The source: pre-copy, then stop-and-copy over the same file.',
      objects,
      threads: ({ mvdev, migf }) => ({
        user: [
          call(ioctl_set_state, mvdev, migf, v6_12.PRE_COPY).into(fd),
          call(read_data, fd).into(first),
          call(read_data, fd).into(nothingYet),
          call(ioctl_set_state, mvdev, migf, v6_12.STOP_COPY).into(stopCopy),
          call(read_data, fd).into(second),
          call(read_data, fd).into(end),
          call(ioctl_set_state, mvdev, migf, v6_12.STOP).into(stop),
          call(read_data, fd).into(dead),
          call(close, fd),
          call(ioctl_get_state, mvdev, migf).into(state),
        ],
      }),
      always: migrationSessions,
      atEnd: {
        'pre-copy opens a file': ({ result }) => typeof result(fd) === 'object',
        'what there is is read, and then there is nothing yet': ({ result }) =>
          result(first) === 1 && result(nothingYet) === ENOMSG,
        'stop-and-copy opens no other': ({ result }) => result(stopCopy) === 0,
        'the rest is read, and then there is nothing more': ({ result }) => result(second) === 1 && result(end) === 0,
        'STOP ends the session, and the file with it': ({ result }) => result(stop) === 0 && result(dead) === ENODEV,
        'the device stands still': ({ result }) => result(state) === v6_12.STOP,
      },
      leaks: { migf: ({ all }) => all('migf').filter(({ freed }) => !freed).length },
      expect: [],
    }),
    destination: variant({
      summary: 'The destination: the image is written and taken over, and the device runs.',
      objects,
      threads: ({ mvdev, migf }) => ({
        user: [
          call(ioctl_set_state, mvdev, migf, v6_12.RESUMING).into(fd),
          call(write_data, mvdev, fd).into(first),
          call(write_data, mvdev, fd).into(second),
          call(ioctl_set_state, mvdev, migf, v6_12.RUNNING).into(run),
          call(write_data, mvdev, fd).into(dead),
          call(close, fd),
          call(ioctl_get_state, mvdev, migf).into(state),
        ],
      }),
      always: migrationSessions,
      atEnd: {
        'it is written to while it resumes': ({ result }) => result(first) === 0 && result(second) === 0,
        'and not when it runs': ({ result }) => result(run) === 0 && result(dead) === ENODEV && result(state) === v6_12.RUNNING,
      },
      leaks: { migf: ({ all }) => all('migf').filter(({ freed }) => !freed).length },
      expect: [],
    }),
    'closed-meanwhile': variant({
      summary: 'The device is closed while its data file is open: the file is of no more use, and ends with its descriptor.',
      objects,
      threads: ({ mvdev, migf }) => ({
        user: [
          call(ioctl_set_state, mvdev, migf, v6_12.STOP_COPY).into(fd),
          call(read_data, fd).into(first),
          call(v6_12.mlx5vf_cmd_close_migratable, mvdev),
          call(read_data, fd).into(dead),
          call(close, fd),
        ],
      }),
      atEnd: { 'it is read before, and not after': ({ result }) => result(first) === 2 && result(dead) === ENODEV },
      leaks: { migf: ({ all }) => all('migf').filter(({ freed }) => !freed).length },
      expect: [],
    }),
    'any-two-states': variant({
      objects,
      threads: ({ mvdev, migf }) => ({ user: [call(set_any_two, mvdev, migf).into(asked)] }),
      always: migrationSessions,
      sometimes: {
        'STOP_COPY does not lead back to pre-copy': came(v6_12.STOP_COPY, 1, v6_12.PRE_COPY, EINVAL),
        'pre-copy leads to STOP_COPY over the same file': came(v6_12.PRE_COPY, 1, v6_12.STOP_COPY, 0),
        'STOP_COPY leads to RESUMING and another file': came(v6_12.STOP_COPY, 1, v6_12.RESUMING, 1),
        'nobody gets to ERROR': came(v6_12.ERROR, EINVAL, v6_12.ERROR, EINVAL),
      },
      atEnd: { 'it is in the state that was last asked for, where that could be': isLast },
      expect: [],
    }),
  },
});
