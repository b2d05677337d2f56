/**
 * Migration v2 (include/uapi/linux/vfio.h, v6.12): the state of a device, and what mlx5 keeps of a migration
 * (drivers/vfio/pci/mlx5/cmd.h).
 *
 * Left out: the firmware and its commands, page tracking, the buffers of a migration file but for how many are left.
 */
import { assign } from 'xstate';
import { done, type HandleTo, part, setupObject, splat, struct } from '../../object.ts';
import { type Field, field, pointer } from '../../sync/field.ts';
import { file_ref } from '../../sync/file.ts';
import { mutex } from '../../sync/mutex.ts';
import { spinlock } from '../../sync/spinlock.ts';

/** enum vfio_device_mig_state: a state is its index. */
export const MIG_STATES = [
  'ERROR',
  'STOP',
  'RUNNING',
  'STOP_COPY',
  'RESUMING',
  'RUNNING_P2P',
  'PRE_COPY',
  'PRE_COPY_P2P',
] as const;
type Name = (typeof MIG_STATES)[number];

/**
 * The arcs that a driver implements, as the UAPI lists them; what a user asks for is a path of them. The last three are
 * those of drivers without the states of P2P.
 */
export const ARCS: readonly (readonly [from: Name, to: Name])[] = [
  ['RUNNING_P2P', 'STOP'],
  ['STOP_COPY', 'STOP'],
  ['RESUMING', 'STOP'],
  ['STOP', 'RUNNING_P2P'],
  ['STOP', 'STOP_COPY'],
  ['STOP', 'RESUMING'],
  ['RUNNING', 'RUNNING_P2P'],
  ['RUNNING', 'PRE_COPY'],
  ['RUNNING_P2P', 'RUNNING'],
  ['RUNNING_P2P', 'PRE_COPY_P2P'],
  ['PRE_COPY', 'RUNNING'],
  ['PRE_COPY', 'PRE_COPY_P2P'],
  ['PRE_COPY_P2P', 'RUNNING_P2P'],
  ['PRE_COPY_P2P', 'PRE_COPY'],
  ['PRE_COPY_P2P', 'STOP_COPY'],
  ['RUNNING', 'STOP'],
  ['STOP', 'RUNNING'],
  ['PRE_COPY', 'STOP_COPY'],
];

/** A field, but for what it makes of a store: the driver steps along arcs, and a reset alone leads from anywhere to RUNNING. */
export type MigState = Field<number> & { reset: object };

const noArc = splat({ kind: 'invariant', text: 'the state of the device changes along no arc', prints: null });

type Context = { initially: Name; value: number };

const guards = Object.fromEntries(
  MIG_STATES.map((name, i) => [
    `to ${name}`,
    ({ event }: { event: { type: string; value?: number } }) => event.type === 'store' && event.value === i,
  ]),
);

const machine = setupObject<Context, MigState>()
  .extend({
    guards,
    actions: {
      set: assign({ value: ({ context, event }) => (event.type === 'store' ? event.value : context.value) }),
      run: assign({ value: MIG_STATES.indexOf('RUNNING') }),
    },
  })
  .createMachine({
    id: 'mig_state@v6.12',
    context: ({ input }) => ({ ...input, value: MIG_STATES.indexOf(input.initially) }),
    initial: 'start',
    on: {
      load: { actions: { type: 'answer', params: ({ context }) => ({ value: context.value }) } },
      reset: { target: '.RUNNING', actions: ['run', done] },
      store: { actions: noArc },
    },
    states: {
      start: {
        always: MIG_STATES.map((target) => ({
          guard: ({ context }: { context: Context }) => context.initially === target,
          target,
        })),
      },
      ...Object.fromEntries(
        MIG_STATES.map((from) => [
          from,
          {
            on: {
              store: [
                ...ARCS.filter(([at]) => at === from).map(([, to]) => ({
                  guard: `to ${to}`,
                  target: to,
                  actions: ['set', done],
                })),
                { actions: noArc },
              ],
            },
          },
        ]),
      ),
    },
  });

const mig_state = () => part<MigState, Context>(machine, { initially: 'RUNNING', value: 0 });

export type MigfState = 'pre_copy' | 'complete' | 'error';

/** struct mlx5_vf_migration_file with the struct file around it: its memory goes with the last reference to the file. */
export const mlx5_vf_migration_file = struct('mlx5_vf_migration_file', {
  lock: mutex(),
  /** enum mlx5_vf_migf_state; in `error` it gives and takes nothing any more. */
  state: field<MigfState>('complete'),
  /** How many buffers are to be read. */
  buf_list: field<number>(0),
  f_count: file_ref(),
});
export interface Migf extends HandleTo<typeof mlx5_vf_migration_file> {}

export const mlx5vf_pci_core_device = struct('mlx5vf_pci_core_device', {
  state_mutex: mutex(),
  mig_state: mig_state(),
  saving_migf: pointer<Migf>(),
  resuming_migf: pointer<Migf>(),
  reset_lock: spinlock(),
  deferred_reset: field<boolean>(false),
});
export interface Mvdev extends HandleTo<typeof mlx5vf_pci_core_device> {}
