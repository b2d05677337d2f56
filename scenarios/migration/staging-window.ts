/**
 * All who have the region open share one data section. A read of data_offset makes the device write its next chunk there,
 * over the one that another thread is about to read: that one is lost, the next is read twice, and the destination fails
 * much later, when it takes the image over.
 *
 * A mutex of the user from pending_bytes to the end of the read mends it; so does v2, in which the data is a stream.
 */
import { one_at_a_time, vfio_save_buffer } from '../../actors/vfio/rfc-2019-12/qemu_migration.ts';
import type { Operation } from '../../actors/step.ts';
import { globals, type HandleTo } from '../../machines/object.ts';
import { mutex } from '../../machines/sync/mutex.ts';
import { type MigrationRegion, migration_region, VFIO_DEVICE_STATE_SAVING } from '../../machines/vfio/rfc-2019-12/migration.ts';
import { mlx5_vf_migration_file } from '../../machines/vfio/v6.12/migration.ts';
import { call, defineScenario, local, variant, type View } from '../../src/index.ts';
import { read_data } from './setup/v2.ts';

const user = globals('user', { lock: mutex() });
type User = HandleTo<typeof user>;

function* save_buffer_locked(user: User, region: MigrationRegion): Operation<number> {
  return yield* one_at_a_time(user.lock, () => vfio_save_buffer(region));
}

const a = local<number>('read by a');
const b = local<number>('read by b');
const objects = { region: migration_region };
const start = {
  'region.device_state': { value: VFIO_DEVICE_STATE_SAVING },
  'region.pending_bytes': { value: 2 },
};
const eachOnce = (chunks: readonly (number | undefined)[]): boolean => chunks.includes(1) && chunks.includes(2);

type Seen = View<typeof objects>;
const atEnd = {
  'each chunk is read once': ({ result, region }: Seen) => region.chunk.value !== 2 || eachOnce([result(a), result(b)]),
};

export default defineScenario({
  name: 'staging-window',
  summary: 'Two threads read the state of a device through one data section, and one has the chunk of the other',
  source: 'RFC 03/09 vfio/pci: register a default migration region, December 2019',
  covers: ['F-8'],
  tags: ['seed-003'],
  variants: {
    rfc: variant({
      objects,
      start,
      threads: ({ region }) => ({
        a: [call(vfio_save_buffer, region).into(a)],
        b: [call(vfio_save_buffer, region).into(b)],
      }),
      sometimes: { 'each has its own': ({ result }) => eachOnce([result(a), result(b)]) },
      atEnd,
      expect: [{ kind: 'end-state', object: 'region.chunk' }],
    }),
    'one-mutex': variant({
      summary: 'The user holds a mutex from the first register to the end of the read.',
      objects: { ...objects, user },
      start,
      threads: ({ region, user }) => ({
        a: [call(save_buffer_locked, user, region).into(a)],
        b: [call(save_buffer_locked, user, region).into(b)],
      }),
      sometimes: { 'one waits for the other': ({ blocked }) => blocked('a') || blocked('b') },
      atEnd,
      expect: [],
    }),
    v2: variant({
      summary: 'v6.12: who reads has what comes next in the stream.',
      objects: { migf: mlx5_vf_migration_file },
      start: { 'migf.buf_list': { value: 2 } },
      threads: ({ migf }) => ({ a: [call(read_data, migf).into(a)], b: [call(read_data, migf).into(b)] }),
      sometimes: { 'one waits for the other': ({ blocked }) => blocked('a') || blocked('b') },
      atEnd: { 'each chunk is read once': ({ result }) => eachOnce([result(a), result(b)]) },
      expect: [],
    }),
  },
});
