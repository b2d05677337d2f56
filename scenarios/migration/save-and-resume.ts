/**
 * A device is saved and resumed through the migration region of the RFC: pre-copy, the dirty pages of its memory,
 * stop-and-copy; then the same chunks in the same order into another device. And each access that is out of order.
 */
import * as region_ops from '../../actors/vfio/rfc-2019-12/migration_region.ts';
import {
  vfio_get_dirty_page_list,
  vfio_load_buffer,
  vfio_migration_set_state,
  vfio_save_buffer,
} from '../../actors/vfio/rfc-2019-12/qemu_migration.ts';
import { EINVAL } from '../../actors/vfio/errno.ts';
import {
  migration_region,
  VFIO_DEVICE_STATE_RESUMING,
  VFIO_DEVICE_STATE_RUNNING,
  VFIO_DEVICE_STATE_SAVING,
} from '../../machines/vfio/rfc-2019-12/migration.ts';
import { call, defineScenario, local, variant } from '../../src/index.ts';

const chunk = { first: local<number>('first chunk'), second: local<number>('second chunk'), none: local<number>('no chunk') };
const dirty = local<readonly number[]>('dirty pages');

const refused = [
  local<number>('read pending_bytes'),
  local<number>('read data_offset'),
  local<number>('read data_size'),
  local<number | readonly number[]>('read data'),
  local<number>('write data'),
  local<number>('write data_size'),
  local<number>('read copied_pfns'),
  local<number>('write pending_bytes'),
  local<number>('read start_pfn'),
  local<number>('write 110'),
] as const;
const [pending, offset, size, data, wrote, commits, copied, readOnly, writeOnly, invalid] = refused;

export default defineScenario({
  name: 'save-and-resume',
  summary: 'A device is saved and resumed through the registers of its migration region',
  source: 'RFC 03/09 vfio/pci: register a default migration region, December 2019',
  covers: [],
  tags: ['seed-003'],
  variants: {
    rfc: variant({
      objects: { source: migration_region, destination: migration_region },
      start: { 'source.pending_bytes': { value: 2 }, 'source.dirty': { value: [0, 2, 3] } },
      threads: ({ source, destination }) => ({
        user: [
          // Pre-copy: the device runs, and is saved.
          call(vfio_migration_set_state, source, { set: VFIO_DEVICE_STATE_SAVING }),
          call(vfio_save_buffer, source).into(chunk.first),
          call(vfio_get_dirty_page_list, source, 0, 4).into(dirty),
          // Stop-and-copy.
          call(vfio_migration_set_state, source, { clear: VFIO_DEVICE_STATE_RUNNING }),
          call(vfio_save_buffer, source).into(chunk.second),
          call(vfio_save_buffer, source).into(chunk.none),
          call(vfio_migration_set_state, source, { clear: VFIO_DEVICE_STATE_SAVING }),
          // Resume.
          call(vfio_migration_set_state, destination, { clear: VFIO_DEVICE_STATE_RUNNING, set: VFIO_DEVICE_STATE_RESUMING }),
          call(vfio_load_buffer, destination, chunk.first),
          call(vfio_load_buffer, destination, chunk.second),
          call(vfio_migration_set_state, destination, { clear: VFIO_DEVICE_STATE_RESUMING, set: VFIO_DEVICE_STATE_RUNNING }),
        ],
      }),
      atEnd: {
        'each chunk is read once, and then there is none': ({ result }) =>
          result(chunk.first) === 1 && result(chunk.second) === 2 && result(chunk.none) === 0,
        'the dirty pages are found': ({ result, source }) => String(result(dirty)) === String(source.dirty.value),
        'the source stands still': ({ source }) => source.device_state.value === 0,
        'the destination has loaded what was saved, in that order, and runs': ({ destination }) =>
          String(destination.loaded.value) === '1,2' && destination.device_state.value === VFIO_DEVICE_STATE_RUNNING,
      },
      expect: [],
    }),
    'out-of-order': variant({
      summary: 'A device that runs, and is neither saved nor resumed: what is asked of its registers is refused.',
      objects: { region: migration_region },
      threads: ({ region }) => ({
        user: [
          call(region_ops.read_pending_bytes, region).into(pending),
          call(region_ops.read_data_offset, region).into(offset),
          call(region_ops.read_data_size, region).into(size),
          call(region_ops.read_data, region).into(data),
          call(region_ops.write_data, region, 1).into(wrote),
          call(region_ops.write_data_size, region, 1).into(commits),
          call(region_ops.read_copied_pfns, region).into(copied),
          call(region_ops.write_pending_bytes, region).into(readOnly),
          call(region_ops.read_start_pfn, region).into(writeOnly),
          call(region_ops.write_device_state, region, VFIO_DEVICE_STATE_SAVING | VFIO_DEVICE_STATE_RESUMING).into(invalid),
        ],
      }),
      atEnd: {
        'each is refused': ({ result }) => refused.every((access) => result<unknown>(access) === -EINVAL),
        'and nothing has changed': ({ region }) =>
          region.device_state.value === VFIO_DEVICE_STATE_RUNNING && region.data_section.value === null,
      },
      expect: [],
    }),
    'out-of-order-while-saving': variant({
      summary: 'A device that is being saved: its data before data_offset was read, a bitmap before a range was written.',
      objects: { region: migration_region },
      start: {
        'region.device_state': { value: VFIO_DEVICE_STATE_RUNNING | VFIO_DEVICE_STATE_SAVING },
        'region.pending_bytes': { value: 1 },
      },
      threads: ({ region }) => ({
        user: [
          call(region_ops.read_data_size, region).into(size),
          call(region_ops.read_data, region).into(data),
          call(region_ops.read_copied_pfns, region).into(copied),
          call(region_ops.write_data, region, 1).into(wrote),
          call(vfio_save_buffer, region).into(chunk.first),
        ],
      }),
      atEnd: {
        'nothing is there yet': ({ result }) => result(size) === 0 && result<unknown>(data) === -EINVAL,
        'no range was asked for': ({ result }) => result(copied) === -EINVAL,
        'it takes no data': ({ result }) => result(wrote) === -EINVAL,
        'in order, it gives its data': ({ result }) => result(chunk.first) === 1,
      },
      expect: [],
    }),
    'out-of-order-while-resuming': variant({
      summary: 'A device that resumes: data_size before the data, which is what it takes over.',
      objects: { region: migration_region },
      start: { 'region.device_state': { value: VFIO_DEVICE_STATE_RESUMING } },
      threads: ({ region }) => ({
        user: [
          call(region_ops.read_data_offset, region).into(offset),
          call(region_ops.write_data_size, region, 1).into(commits),
          call(region_ops.read_data, region).into(data),
          call(vfio_load_buffer, region, 1).into(wrote),
        ],
      }),
      atEnd: {
        'there is nothing to take over': ({ result }) => result(commits) === -EINVAL,
        'it gives no data': ({ result }) => result<unknown>(data) === -EINVAL,
        'in order, it takes data': ({ result, region }) => result(wrote) === 0 && String(region.loaded.value) === '1',
      },
      expect: [],
    }),
  },
});
