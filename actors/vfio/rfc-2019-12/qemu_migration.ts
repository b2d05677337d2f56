/**
 * What a user does with the migration region, as the patches of 2019 for QEMU's hw/vfio/migration.c do: user space, one
 * system call after another, without a lock but where a scenario puts one.
 */
import {
  type MigrationRegion,
  VFIO_DEVICE_DIRTY_PFNS_ALL,
  VFIO_DEVICE_DIRTY_PFNS_NONE,
} from '../../../machines/vfio/rfc-2019-12/migration.ts';
import type { Handle } from '../../../machines/object.ts';
import type { Mutex } from '../../../machines/sync/mutex.ts';
import { again, loop, type Operation } from '../../step.ts';
import { mutex_lock, mutex_unlock } from '../../sync/mutex.ts';
import {
  read_copied_pfns,
  read_data,
  read_data_offset,
  read_data_size,
  read_device_state,
  read_pending_bytes,
  type Rule,
  write_data,
  write_data_size,
  write_device_state,
  write_start_pfn,
  write_total_pfns,
} from './migration_region.ts';

/** vfio_migration_set_state(): the other bits stay as they were read. @returns what the write returned */
export function* vfio_migration_set_state(
  region: MigrationRegion,
  bits: { readonly clear?: number; readonly set?: number },
  rule?: Rule,
): Operation<number> {
  const state = yield* read_device_state(region);
  return yield* write_device_state(region, (state & ~(bits.clear ?? 0)) | (bits.set ?? 0), rule);
}

/** vfio_save_buffer(): one turn of the loop. @returns the chunk, or 0 where nothing is pending */
export function* vfio_save_buffer(region: MigrationRegion): Operation<number> {
  if ((yield* read_pending_bytes(region)) <= 0) return 0;
  yield* read_data_offset(region);
  if ((yield* read_data_size(region)) === 0) return 0;
  return (yield* read_data(region)) as number;
}

/** vfio_load_state_buffer(). @returns 0 or a negative errno */
export function* vfio_load_buffer(region: MigrationRegion, chunk: number): Operation<number> {
  yield* read_data_offset(region);
  const written = yield* write_data(region, chunk);
  return written < 0 ? written : yield* write_data_size(region, 1);
}

function* ask(region: MigrationRegion, start: number, total: number): Operation<number> {
  yield* write_start_pfn(region, start);
  yield* write_total_pfns(region, total);
  return yield* read_copied_pfns(region);
}

const pagesOf = (start: number, count: number): readonly number[] => Array.from({ length: count }, (_, i) => start + i);

/** vfio_get_dirty_page_list(), with a look at NONE and ALL before anything is added. @returns the pages that are dirty */
export function* vfio_get_dirty_page_list(region: MigrationRegion, start: number, total: number): Operation<readonly number[]> {
  return yield* loop<Counted, readonly number[]>({ sum: 0, dirty: [] }, function* ({ sum, dirty }) {
    if (sum >= total) return dirty;
    const copied = yield* ask(region, start + sum, total - sum);
    if (copied === VFIO_DEVICE_DIRTY_PFNS_NONE) return dirty;
    if (copied === VFIO_DEVICE_DIRTY_PFNS_ALL) return [...dirty, ...pagesOf(start + sum, total - sum)];
    yield* read_data_offset(region);
    const bitmap = (yield* read_data(region)) as readonly number[];
    return again({ sum: sum + copied, dirty: [...dirty, ...bitmap] });
  });
}

type Counted = { readonly sum: number; readonly dirty: readonly number[] };

/** A u64, which wraps. What is above 2^63 is written as what is missing to 2^64. */
const below = (a: number, b: number): boolean => a >= 0 && (b < 0 || a < b);

/**
 * The same by who takes whatever copied_pfns says for a count, and adds it.
 * @returns the pages that are dirty
 */
export function* sum_copied_pfns(region: MigrationRegion, start: number, total: number): Operation<readonly number[]> {
  return yield* loop<Counted, readonly number[]>({ sum: 0, dirty: [] }, function* ({ sum, dirty }) {
    if (!below(sum, total)) return dirty;
    const copied = yield* ask(region, start + sum, total - sum);
    yield* read_data_offset(region);
    const bitmap = yield* read_data(region);
    const found = typeof bitmap === 'number' ? [] : bitmap;
    return again({ sum: sum + copied, dirty: [...new Set([...dirty, ...found])].toSorted((a, b) => a - b) });
  });
}

/** What a user makes of a sequence of accesses who has a mutex of his own around it. */
export function* one_at_a_time<R>(lock: Handle<Mutex>, accesses: () => Operation<R>): Operation<R> {
  yield* mutex_lock(lock);
  const result = yield* accesses();
  yield* mutex_unlock(lock);
  return result;
}
